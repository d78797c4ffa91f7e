/** Bytes from outside into values: JSON when they are JSON, text when they are not. Never a prototype. */
import { parse } from 'secure-json-parse';

/** @throws SyntaxError for what is not JSON, or holds a `__proto__` or `constructor.prototype` key. */
export const parseJson = (text: string): unknown => parse(text, undefined, { protoAction: 'error', constructorAction: 'error' });

/** The JSON value, or the text itself. */
export function payloadOf(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
