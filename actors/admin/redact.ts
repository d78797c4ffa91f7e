/** Secrets out of what is shown: by the name of the key, and by the user part and the query of a URL. Pure. */

const WORDS = 'passw|passphrase|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie|signature';
const SECRET = new RegExp(WORDS, 'i');
const QUERY = new RegExp(`([?&][^=&#\\s]{0,64}(?:${WORDS})[^=&#\\s]{0,64}=)[^&#\\s]+`, 'gi');
export const HIDDEN = '(secret)';

/** @param key under which the value stands. @param secrets values that are blanked wherever they stand. */
export function redact(value: unknown, key = '', secrets: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((one) => redact(one, key, secrets));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redact(one, SECRET.test(key) ? key : name, secrets)]));
  if (SECRET.test(key) && (typeof value === 'string' || typeof value === 'number')) return HIDDEN;
  if (typeof value !== 'string') return value;
  const longestFirst = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length); // one may be a part of another
  const text = longestFirst.reduce((all, secret) => all.replaceAll(secret, HIDDEN), value);
  return text.replace(/:\/\/[^/?#\s]+@/g, `://${HIDDEN}@`).replace(QUERY, `$1${HIDDEN}`);
}
