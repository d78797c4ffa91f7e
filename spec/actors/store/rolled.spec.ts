// Down-sampled rows as the source of an aggregation: they say what the samples say.
import { expect } from 'chai';
import type { Fn } from '../../../actors/store/query/query.ts';
import { patientEngine } from '../../../actors/store/postgres/engine.ts';
import { stateOf } from '../../../actors/store/postgres/faults.ts';
import { HOUR_MS, MINUTE_MS } from '../../../actors/store/query/rollup.ts';
import { type AnyHouse, HOUSES } from '../../support/houses.ts';
import { BEGIN_MS } from '../../support/housekeeping.ts';
import { itAnswersFromRows } from '../../support/rolled-suite.ts';

const LONG = process.env.ARGOS_LONG !== undefined;
const [SQLITE, POSTGRES] = HOUSES;

/** Four hours of a sample a second of each series, rolled up. */
async function filled(house: AnyHouse, series: number): Promise<void> {
  await house.keep();
  for (let one = 1; one <= series; one++)
    await house.append(Array.from({ length: 4 * 3_600 }, (_, i) => ({ series: one, ts: BEGIN_MS + i * 1_000, value: i })));
  house.nowMs += 8 * HOUR_MS;
  await house.keep();
}
const range = { fromMs: BEGIN_MS + 90_500, toMs: BEGIN_MS + 4 * HOUR_MS - 10_500 };
const IN_RANGE = 4 * 3_600 - 90 - 11;

describe('Down-sampled rows as a source', function () {
  this.timeout(LONG ? 300_000 : 20_000);
  const runs = { SQLite: LONG ? 300 : 25, PostgreSQL: LONG ? 100 : 3 };
  for (const houses of HOUSES) describe(`on ${houses.name}`, () => itAnswersFromRows(houses, runs[houses.name], houses.name === 'PostgreSQL'));

  it('are read instead of samples, but for the ends of the range and what has changed since', async () => {
    if (!SQLITE) return;
    const kept = await SQLITE.open(['a']);
    await filled(kept, 1);
    const readFor = async (fn: Fn): Promise<number> => (await kept.ask({ fn, ...range })).rows;
    const few = await readFor('p95'); // about 30 + 58 + 2 + 59 + 50
    expect(few).to.be.below(300);
    await kept.append([{ series: 1, ts: BEGIN_MS + 2 * HOUR_MS + 5_000, value: 7 }]);
    expect((await kept.ask({ fn: 'count', ...range })).groups[0]?.value[0]).to.equal(IN_RANGE + 1);
    expect(await readFor('p95')).to.be.within(few + 60, few + 200);
    kept.end();
  });

  it('are read of many series in one statement, of one moment, whatever the function, also when some are out of date', async () => {
    if (!POSTGRES) return;
    const services = Array.from({ length: 8 }, (_, i) => `s${i}`);
    const kept = await POSTGRES.open(services);
    await filled(kept, services.length);
    const count = { fn: 'count', ...range } as const;
    for (const fn of ['count', 'avg', 'rate', 'p95', 'first', 'last'] as const) {
      await kept.ask({ ...count, fn, by: ['name'] }); // now it knows
      const { statements, rows } = await kept.ask({ ...count, fn });
      expect([fn, statements]).to.deep.equal([fn, 1 + 1]); // the series, and one for all of them
      if (fn !== 'p95') expect(rows).to.be.below(100);
    }
    const late = [3, 5].map((series) => ({ series, ts: BEGIN_MS + 2 * HOUR_MS + series * 5_000, value: 7 }));
    await kept.append(late);
    const after = await kept.ask(count);
    expect([after.groups[0]?.value[0], after.statements]).to.deep.equal([8 * IN_RANGE + 2, 1 + 3]); // one that was wrong, what is known, and one that is right
    expect((await kept.ask(count)).statements).to.equal(1 + 2);
    await kept.keep();
    await kept.ask(count);
    expect((await kept.ask(count)).statements).to.equal(1 + 1);
  });

  it('are read one by one where the server cannot add them up, since it is more than a number can hold', async () => {
    if (!POSTGRES) return;
    const kept = await POSTGRES.open(['a']);
    await kept.keep();
    await kept.append(Array.from({ length: 40 }, (_, i) => ({ series: 1, ts: BEGIN_MS + i * 30_000, value: 0.8e308 })));
    kept.nowMs += HOUR_MS;
    await kept.keep();
    const sum = { fn: 'sum', fromMs: BEGIN_MS, toMs: BEGIN_MS + HOUR_MS - 1 } as const;
    const refused = await kept.ask(sum).then(
      () => 'added up',
      (error: unknown) => stateOf(error),
    );
    expect(refused).to.equal('22003');
    const { groups, rows } = await kept.ask(sum, patientEngine);
    expect([groups[0]?.value[0], rows]).to.satisfy(([value, read]: [number, number]) => value === Number.POSITIVE_INFINITY && read < 30);
    expect((await kept.ask({ ...sum, stepMs: MINUTE_MS })).groups[0]?.value[0]).to.equal(1.6e308);
  });
});
