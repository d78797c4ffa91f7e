/** Bytes from outside into values: JSON when they are JSON, text when they are not. Never a prototype. */
import { parse } from 'secure-json-parse';

/** What is nested deeper would exhaust the stack of whoever writes or compares it. */
const DEEPEST = 100;

/** @throws SyntaxError for what is not JSON, holds a `__proto__` or `constructor.prototype` key, or is nested too deeply. */
export function parseJson(text: string): unknown {
  const value: unknown = parse(text, undefined, { protoAction: 'error', constructorAction: 'error' });
  if (text.length > 2 * DEEPEST && deeper(value, DEEPEST)) throw new SyntaxError(`JSON of more than ${DEEPEST} levels`); // a level is two characters at the least
  return value;
}

const deeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((one) => deeper(one, levels - 1)));

/** The JSON value, or the text itself. */
export function payloadOf(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
