// An export of episodes has each that ran within its time once, in the order of their beginnings, of the rules that are named.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import type { ExportQuery } from '../../../proto/store.ts';
import { Root } from '../../support/actors.ts';
import { upkeepOf, written } from '../../support/backups.ts';
import { ENGINES } from '../../support/engines.ts';
import type { TestStore } from '../../support/store.ts';

const episode = fc.record({
  rule: fc.constantFrom('hot', 'hotter', 'cold'),
  instance: fc.constantFrom('', 'iot_1'),
  startedMs: fc.integer({ min: 0, max: 50 }),
  endedMs: fc.option(fc.integer({ min: 0, max: 60 })),
});
const iso = (ms: number): string => new Date(ms).toISOString();

for (const engine of ENGINES) {
  describe(`export of episodes of ${engine.name}`, () => {
    let root: Root;
    let under: TestStore;
    beforeEach(async () => {
      root = new Root();
      under = await engine.fresh(root);
      await under.start();
    });
    afterEach(() => root.end());
    const file = (query: Partial<ExportQuery> = {}): Promise<string> => written(upkeepOf(under).export({ what: 'episodes', format: 'ndjson', ...query }));
    const lines = async (query: Partial<ExportQuery> = {}): Promise<Record<string, unknown>[]> =>
      readFileSync(await file(query), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));

    it('has those that ran within its time, more of them than one statement brings', async () => {
      const given = fc.sample(episode, { numRuns: 2_500, seed: 5 }).map((one, i) => ({
        ...one,
        id: `e${String(i).padStart(4, '0')}`,
        severity: 'warning',
        details: `number ${i}`,
        endedMs: one.endedMs === null ? null : Math.max(one.startedMs, one.endedMs),
      }));
      await under.store.commit(given.map((one) => ({ set: 'episode' as const, episode: one })));
      const expected = (fromMs: number, toMs: number, rules: readonly string[]) =>
        given
          .filter(({ rule, startedMs, endedMs }) => rules.includes(rule) && startedMs <= toMs && (endedMs === null || endedMs >= fromMs))
          .toSorted((a, b) => a.startedMs - b.startedMs || (a.id < b.id ? -1 : 1))
          .map(({ startedMs, endedMs, ...rest }) => ({ started: iso(startedMs), ...(endedMs === null ? {} : { ended: iso(endedMs) }), ...rest }));
      expect(await lines()).to.deep.equal(expected(0, 100, ['hot', 'hotter', 'cold']));
      expect(await lines({ fromMs: 20, toMs: 30, name: 'hot*' })).to.deep.equal(expected(20, 30, ['hot', 'hotter']));
      expect(await lines({ fromMs: 60, name: 'cold' })).to.deep.equal(expected(60, 100, ['cold']));
      const bytes = new Uint8Array(readFileSync(await file({ format: 'parquet', name: 'cold' }))).buffer;
      const rows = await parquetReadObjects({ file: bytes });
      expect(rows.map(({ id, ended }) => [id, ended ?? null])).to.deep.equal(
        expected(0, 100, ['cold']).map(({ id, ended }) => [id, ended === undefined ? null : new Date(ended)]),
      );
    });

    it('refuses a service, which no episode has', async () => {
      const refused = await lines({ service: 'api' }).catch((error: unknown) => error);
      expect(refused).to.include({ name: 'Refusal', code: 'usage' });
    });
  });
}
