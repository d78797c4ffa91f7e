// Lines of a stream, wherever its chunks end.
import { expect } from 'chai';
import fc from 'fast-check';
import { type Line, linesOf, TOO_LONG } from '../../bin/lines.ts';

async function* inChunks(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) yield bytes.subarray(places[i - 1], places[i]);
}
async function all(text: string, cuts: readonly number[] = [], longest?: number): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const some of linesOf(inChunks(Buffer.from(text), cuts), longest)) lines.push(...some);
  return lines;
}

describe('lines of a stream', () => {
  it('are the same wherever the chunks end, in the middle of a character too', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '😀', ' ') }), { maxLength: 5 }), fc.array(fc.nat()), async (lines, cuts) => {
        expect(await all(lines.map((line) => `${line}\n`).join(''), cuts)).to.deep.equal(lines);
      }),
    ));

  it('may lack the end of the last, and end as on Windows', async () => {
    expect(await all('a\r\nb')).to.deep.equal(['a', 'b']);
    expect(await all('\n\na\n')).to.deep.equal(['', '', 'a']);
    expect(await all('')).to.deep.equal([]);
  });

  it('that are too long are told as such, and the next are as they were', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 8 }), async (cuts) => {
        expect(await all('abcd\nabcde\nab\nabcdefghijkl', cuts, 4)).to.deep.equal(['abcd', TOO_LONG, 'ab', TOO_LONG]);
      }),
    ));
});
