// An export has what is asked for, no more and no less, in a form that others read as it was meant.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import type { ExportQuery } from '../../../proto/store.ts';
import type { Log, Metric, Trace } from '../../../actors/event.ts';
import { COLUMNS } from '../../../actors/store/archive/export.ts';
import type { Format } from '../../../actors/store/archive/format.ts';
import { csv } from '../../../actors/store/archive/csv.ts';
import { Root } from '../../support/actors.ts';
import { upkeepOf, written } from '../../support/backups.ts';
import { ENGINES } from '../../support/engines.ts';
import { History, logs, metrics } from '../../support/history.ts';
import { Spans, span, spans } from '../../support/spans.ts';
import { TestStore } from '../../support/store.ts';

/** A record by RFC 4180, quoted or not, read naively. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') rows.push([]);
  }
  return rows.slice(0, -1);
}
const bufferOf = (file: string): ArrayBuffer => new Uint8Array(readFileSync(file)).buffer;
const byteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

for (const engine of ENGINES) {
  describe(`export of ${engine.name}`, () => {
    let root: Root;
    let under: TestStore;
    beforeEach(async () => {
      root = new Root();
      under = await engine.fresh(root);
      await under.start();
    });
    afterEach(() => root.end());
    const file = (query: Partial<ExportQuery> = {}): Promise<string> => written(upkeepOf(under).export({ what: 'metrics', format: 'ndjson', ...query }));
    const text = async (query: Partial<ExportQuery> = {}): Promise<string> => readFileSync(await file(query), 'utf8');
    const lines = async (query: Partial<ExportQuery> = {}): Promise<Record<string, unknown>[]> =>
      (await text(query))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    const shown = ({ timestamp, ...rest }: Metric | Log | Trace): object => ({ ...rest, timestamp: new Date(timestamp).toISOString() });

    it('has the samples, logs and spans that a query would answer with, whatever they are', async () => {
      const [history, traced] = [new History(), new Spans()];
      const matcher = (word: string | undefined): object | undefined => (word === undefined ? undefined : word.includes('*') ? { like: word } : { is: word });
      const where = fc.record(
        {
          service: fc.constantFrom('api', 'api*', 'none'),
          name: fc.constantFrom('cpu', 'c*', '*m*'),
          fromMs: fc.integer({ min: -3_000, max: 9_000 }),
          toMs: fc.integer({ min: 0, max: 12_000 }),
        },
        { requiredKeys: [] },
      );
      const some = fc.sample(fc.tuple(metrics, logs, spans), { numRuns: 3, seed: 7 });
      for (const [given, said, traces] of some) {
        await under.store.append({ protocol: 'spec', metrics: given, logs: said, traces });
        history.add(given, said);
        traced.add(traces);
      }
      await fc.assert(
        fc.asyncProperty(where, async ({ name, ...rest }) => {
          const { service, ...span } = rest;
          const match = { ...span, ...(service === undefined ? {} : { service: matcher(service) }) };
          const named = { ...match, ...(name === undefined ? {} : { name: matcher(name) }), order: 'oldest' } as never;
          const asked = { ...rest, ...(name === undefined ? {} : { name }) };
          expect(await lines(asked)).to.have.deep.members(history.metrics(named).map(shown));
          expect(await lines({ ...asked, what: 'traces' })).to.deep.equal(traced.traces(named).map(shown));
          expect(await lines({ ...rest, what: 'logs' })).to.deep.equal(history.logs({ ...match, order: 'oldest' } as never).map(shown));
        }),
        { numRuns: process.env.ARGOS_LONG ? 40 : 4 },
      );
    });

    it('has samples series by series, each oldest first, more than are read at once', async () => {
      const given = Array.from({ length: 11_000 }, (_, i) => ({
        service: 's',
        name: i % 11 === 0 ? 'rare' : 'often',
        value: i,
        timestamp: Math.floor(i / 2),
        tags: {},
      }));
      await under.store.append({ protocol: 'spec', metrics: given, logs: [] });
      const found = await lines();
      expect(found.map(({ name }) => name).filter((name, i, all) => name !== all[i - 1])).to.deep.equal(['rare', 'often']);
      for (const name of ['rare', 'often'])
        expect(found.filter((one) => one.name === name).map(({ value }) => value)).to.deep.equal(
          given.filter((one) => one.name === name).map(({ value }) => value),
        );
    });

    it('as CSV quotes what needs it and makes formulas harmless; as Parquet keeps every bit', async () => {
      const odd = ['=1+1', '+1', '-1', '@x', '\ttab', '\rcr', 'a,b', 'say "hi"', 'two\nlines', 'é😀', "'", ''];
      const values = [-1.5, Number.MAX_VALUE, Number.MIN_VALUE, 0.1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 0, 1, 2, 3, 4];
      const given: Metric[] = odd.map((service, i) => ({
        service,
        name: 'n',
        value: values[i] ?? 0,
        timestamp: 1_790_000_000_000 + i,
        tags: { [`k${i}`]: service },
      }));
      const said: Log[] = odd.map((message, i) => ({ service: 's', level: 'info', message, timestamp: i, tags: {} }));
      await under.store.append({ protocol: 'spec', metrics: given, logs: said });
      const harmless = (word: string): string => (/^[=+\-@\t\r]/.test(word) ? `'${word}` : word);
      const [head, ...rows] = parseCsv(await text({ format: 'csv' }));
      expect(head).to.deep.equal(['timestamp', 'service', 'name', 'value', 'tags']);
      expect(rows.toSorted(([a = ''], [b = '']) => byteOrder(a, b))).to.deep.equal(
        given.map(({ timestamp, service, name, value, tags }) => [
          new Date(timestamp).toISOString(),
          harmless(service),
          name,
          String(value),
          JSON.stringify(tags),
        ]),
      );
      expect(
        parseCsv(await text({ what: 'logs', format: 'csv' }))
          .slice(1)
          .map((row) => row[3]),
      ).to.deep.equal(odd.map(harmless));
      const objects = await parquetReadObjects({ file: bufferOf(await file({ format: 'parquet' })) });
      expect(objects.map(({ timestamp, tags, ...rest }) => ({ ...rest, timestamp: timestamp.getTime(), tags: JSON.parse(tags) }))).to.have.deep.members(given);
      const messages = await parquetReadObjects({ file: bufferOf(await file({ what: 'logs', format: 'parquet' })) });
      expect(messages.map(({ message }) => message)).to.deep.equal(odd);
    });

    it('of spans tells one without a parent, more than are read at once, and keeps every bit', async () => {
      const odd = ['=1', 'a,b', 'say "hi"', 'two\nlines', 'é😀', '', 'p'];
      const given = Array.from({ length: 2_500 }, (_, i): Trace => {
        const word = odd[i % odd.length] ?? '';
        const durationMs = [0, 0.1, Number.MIN_VALUE, 1e300][i % 4] ?? 0;
        return span({ spanId: String(i).padStart(4, '0'), name: word, timestamp: 5, durationMs, tags: { word }, ...(i % 2 === 0 && { parentId: word }) });
      });
      await under.store.append({ protocol: 'spec', metrics: [], logs: [], traces: given });
      expect(await lines({ what: 'traces' })).to.deep.equal(given.map(shown));
      const objects = await parquetReadObjects({ file: bufferOf(await file({ what: 'traces', format: 'parquet' })) });
      expect(objects.map(({ timestamp, tags, ...rest }) => ({ ...rest, timestamp: timestamp.getTime(), tags: JSON.parse(tags) }))).to.deep.equal(
        given.map((one) => ({ ...one, parentId: one.parentId ?? null })),
      );
      const [head, ...rows] = parseCsv(await text({ what: 'traces', format: 'csv' }));
      expect(head).to.deep.equal(['timestamp', 'traceId', 'spanId', 'parentId', 'service', 'name', 'durationMs', 'status', 'tags']);
      expect(rows.slice(0, 2)).to.deep.equal([
        ['1970-01-01T00:00:00.005Z', 't', '0000', "'=1", 'api', "'=1", '0', 'ok', '{"word":"=1"}'],
        ['1970-01-01T00:00:00.005Z', 't', '0001', '', 'api', 'a,b', '0.1', 'ok', '{"word":"a,b"}'],
      ]);
    });

    it('is read as it is taken: what is far ahead of its reader is not read yet', async () => {
      for (let i = 0; i < 20; i++)
        await under.store.append({
          protocol: 'spec',
          metrics: Array.from({ length: 5_000 }, (_, n) => ({ service: 's', name: 'n', value: n, timestamp: i * 5_000 + n, tags: {} })),
          logs: [],
        });
      let taken = 0;
      let lines = 0;
      for await (const chunk of upkeepOf(under).export({ what: 'metrics', format: 'ndjson' })) {
        lines += Buffer.from(chunk).toString().split('\n').length - 1;
        if (taken++ > 0) continue;
        await sleep(500); // as fast as it is, it would be through by now
        await under.store.append({ protocol: 'spec', metrics: [{ service: 's', name: 'n', value: 1, timestamp: 99_999, tags: {} }], logs: [] });
      }
      expect(lines).to.equal(100_001);
    });

    it('of nothing is a file of its kind, with nothing in it', async () => {
      expect(await text()).to.equal('');
      expect(await text({ format: 'csv', what: 'logs' })).to.equal('timestamp,service,level,message,tags\r\n');
      const empty = bufferOf(await file({ format: 'parquet' }));
      expect(await parquetReadObjects({ file: empty })).to.deep.equal([]);
      expect(
        parquetMetadata(empty)
          .schema.slice(1)
          .map(({ name }) => name),
      ).to.deep.equal(COLUMNS.metrics.map(({ name }) => name));
    });

    it('refuses what makes no sense, in words', async () => {
      const said = (query: Partial<ExportQuery>): Promise<string> => file(query).catch((error: unknown) => String(error));
      expect(await said({ what: 'logs', name: 'n' })).to.contain('logs have no name');
      expect(await said({ fromMs: Number.NaN })).to.contain('fromMs: expected milliseconds since 1970');
    });
  });
}

describe('export as Parquet', () => {
  it('has row groups of 50,000, and holds no more than one', async () => {
    const root = new Root();
    const under = new TestStore(root);
    await under.start();
    for (let i = 0; i < 12; i++)
      await under.store.append({
        protocol: 'spec',
        metrics: Array.from({ length: 10_000 }, (_, n) => ({ service: 's', name: 'n', value: n, timestamp: i * 10_000 + n, tags: {} })),
        logs: [],
      });
    const chunks: number[] = [];
    const seen = async function* (all: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of all) {
        chunks.push(chunk.length);
        yield chunk;
      }
    };
    const file = await written(seen(upkeepOf(under).export({ what: 'metrics', format: 'parquet' })));
    expect(parquetMetadata(bufferOf(file)).row_groups.map(({ num_rows }) => Number(num_rows))).to.deep.equal([50_000, 50_000, 20_000]);
    expect(chunks).to.have.length(3);
    await root.end();
  });
});

describe('export as CSV', () => {
  it('is read back as it was written, but for the apostrophe before what looks like a formula', async () => {
    const cells = fc.array(
      fc.tuple(
        fc.integer({ min: -8.64e15, max: 8.64e15 }),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.double({ noNaN: true }),
        fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', '=', '-', 'a') }),
      ),
      { minLength: 1 },
    );
    const run = async (format: Format, rows: readonly (readonly (string | number)[])[]): Promise<string> => {
      let all = '';
      for await (const chunk of format(
        COLUMNS.metrics,
        (async function* () {
          yield rows;
        })(),
      ))
        all += Buffer.from(chunk).toString();
      return all;
    };
    await fc.assert(
      fc.asyncProperty(cells, async (rows) => {
        const read = parseCsv(await run(csv, rows)).slice(1);
        expect(read.length).to.equal(rows.length);
        for (const [i, [ts, service, name, value, tags]] of rows.entries()) {
          const [time, ...rest] = read[i] ?? [];
          expect(Date.parse(String(time))).to.equal(ts);
          expect(Number(rest[2])).to.equal(Number(value));
          for (const [cell, given] of [
            [rest[0], service],
            [rest[1], name],
            [rest[3], tags],
          ] as const) {
            expect(cell).to.not.match(/^[=+\-@\t\r]/);
            expect([given, `'${given}`]).to.include(cell);
          }
        }
      }),
    );
  });
});
