/** Secrets out of what is shown: by the name of the key, and by the user part of a URL. Pure. */

const SECRET = /passw|secret|token|authorization|api_?key|credential|cookie/i;
export const HIDDEN = '(secret)';

export function redact(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => redact(one, key));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redact(one, name)]));
  if (typeof value !== 'string') return value;
  return SECRET.test(key) ? HIDDEN : value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/i, `$1${HIDDEN}@`);
}
