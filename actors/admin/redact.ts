/** Secrets out of what is shown: by the name of the key, and by the user part and the query of a URL. Pure. */

const WORDS = 'passw|passphrase|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie|signature';
const SECRET = new RegExp(WORDS, 'i');
const QUERY = new RegExp(`([?&][^=&#\\s]{0,64}(?:${WORDS})[^=&#\\s]{0,64}=)[^&#\\s]+`, 'gi');
export const HIDDEN = '(secret)';

export function redact(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => redact(one, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redact(one, SECRET.test(key) ? key : name)]));
  if (SECRET.test(key) && (typeof value === 'string' || typeof value === 'number')) return HIDDEN;
  return typeof value === 'string' ? value.replace(/:\/\/[^/?#\s]+@/g, `://${HIDDEN}@`).replace(QUERY, `$1${HIDDEN}`) : value;
}
