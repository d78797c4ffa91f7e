/** Lines of a stream, as they come: a long one is not kept, and whoever is slow to take them is not hurried. */
import { StringDecoder } from 'node:string_decoder';

/** A line of more characters than this is told as too long, and its end is waited for. */
const LONGEST = 16_777_216;
export const TOO_LONG = Symbol('a line that is too long');
export type Line = string | typeof TOO_LONG;

/** All lines that a chunk has brought, together: they are answered together. The last one may lack its line end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, longest = LONGEST): AsyncGenerator<readonly Line[]> {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let length = 0;
  const taken = (part: string): void => {
    length += part.length;
    if (length <= longest) parts.push(part);
    else parts = [];
  };
  const line = (): Line => {
    const whole = length > longest ? TOO_LONG : parts.join('').replace(/\r$/, '');
    parts = [];
    length = 0;
    return whole;
  };
  for await (const chunk of chunks) {
    const [first = '', ...rest] = decoder.write(Buffer.from(chunk)).split('\n');
    taken(first);
    const lines = rest.map((part) => {
      const before = line();
      taken(part);
      return before;
    });
    if (lines.length > 0) yield lines;
  }
  taken(decoder.end());
  if (length > 0) yield [line()];
}
