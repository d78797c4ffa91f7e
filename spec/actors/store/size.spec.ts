// The bound of the size: it holds, the oldest goes first, and what nobody could give back stays.
import { statSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { HOUR_MS, MINUTE_MS } from '../../../actors/store/query/rollup.ts';
import { BEGIN_MS, House, type Sample } from '../../support/housekeeping.ts';

const DAY_MS = 24 * HOUR_MS;
const NUM_RUNS = process.env.ARGOS_LONG ? 200 : 6;
const number = (house: House, pragma: string): number => Number(house.db.pragma(pragma, { simple: true }));
const bytes = (house: House): number => (number(house, 'page_count') - number(house, 'freelist_count')) * 4_096 + statSync(`${house.file}-wal`).size;

/** Samples, logs and a journal over some days up to now. */
function filled(series: number, spanMs: number, everyMs: number): House {
  const house = new House({}, 2);
  house.series(...Array.from({ length: series }, (_, i) => `s${i}`));
  const samples: Sample[] = [];
  for (let age = spanMs; age > 0; age -= everyMs)
    for (let i = 1; i <= series; i++) samples.push({ series: i, ts: BEGIN_MS - age - i, value: (age / 1_000) % 13 });
  house.append(samples);
  house.db.transaction(() => {
    for (let age = spanMs; age > 0; age -= 10 * everyMs)
      house.run("INSERT INTO logs (ts, service, level, message, tags) VALUES (?, 's0', 'info', ?, '{}')", BEGIN_MS - age, 'x'.repeat(100));
    for (let i = 0; i < 50; i++)
      house.run("INSERT INTO jobs (id, rule, action, status, due_ms, created_ms, job) VALUES (?, 'r', 'a', 'succeeded', 0, 0, ?)", `j${i}`, 'y'.repeat(500));
  })();
  house.keep();
  house.db.pragma('wal_checkpoint(TRUNCATE)');
  return house;
}
function bound(house: House, maxBytes: number): void {
  house.limits = { maxBytes };
  house.restart();
  do house.keep();
  while (house.keeping.urgent); // the log of a step counts, too
}

describe('the bound of the size', () => {
  it('holds, takes the oldest first, samples before what was made of them, and nothing of the journal', () => {
    const parts = fc.record({
      series: fc.integer({ min: 1, max: 20 }),
      span: fc.constantFrom([8 * HOUR_MS, 12_000] as const, [2 * DAY_MS, 240_000] as const),
      share: fc.noBias(fc.integer({ min: 30, max: 105 })).map((percent) => percent / 100),
    });
    fc.assert(
      fc.property(parts, ({ series, span: [spanMs, everyMs], share }) => {
        const house = filled(series, spanMs, everyMs);
        const before = house.samples();
        const rollups = [house.rollups(MINUTE_MS).size, house.rollups(HOUR_MS).size];
        const journal = house.count('jobs');
        const maxBytes = Math.round(bytes(house) * share);
        bound(house, maxBytes);
        const { exhausted } = house.keeping.health();
        expect(exhausted || bytes(house) <= maxBytes).to.equal(true);
        expect(house.count('jobs')).to.equal(journal);
        const left = house.samples();
        if (share >= 1) expect(left).to.have.length(before.length);
        const keys = new Set(left.map(({ series: one, ts }) => `${one}/${ts}`));
        const gone = before.filter(({ series: one, ts }) => !keys.has(`${one}/${ts}`)).map(({ ts }) => ts);
        const youngestGone = gone.reduce((a, b) => Math.max(a, b), 0);
        const oldestLeft = left.reduce((a, { ts }) => Math.min(a, ts), Number.POSITIVE_INFINITY);
        expect(youngestGone - oldestLeft).to.be.at.most(spanMs / 64 + 2 * MINUTE_MS); // of the last cut some series may have been spared
        const oldestLog = Number(house.all('SELECT min(ts) AS ts FROM logs')[0]?.ts ?? 0);
        if (gone.length > 0 && oldestLog > 0) expect(Math.abs(oldestLog - oldestLeft)).to.be.at.most(spanMs / 64 + 10 * everyMs + 2 * MINUTE_MS);
        if (oldestLeft < BEGIN_MS - HOUR_MS - 2 * MINUTE_MS) expect([house.rollups(MINUTE_MS).size, house.rollups(HOUR_MS).size]).to.deep.equal(rollups);
        house.db.close();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('takes no more than it has to', () => {
    const house = filled(5, 2 * DAY_MS, 10_000);
    const maxBytes = Math.round(bytes(house) * 0.8);
    bound(house, maxBytes);
    expect(bytes(house)).to.be.within(maxBytes * 0.9, maxBytes);
    house.db.close();
  });

  it('holds while more and more comes, in the space that has become free', () => {
    const house = filled(4, DAY_MS, 10_000);
    const maxBytes = Math.round(bytes(house) * 1.05);
    bound(house, maxBytes);
    let most = 0;
    for (let minute = 0; minute < 600; minute++) {
      house.nowMs += MINUTE_MS;
      house.append(Array.from({ length: 24 }, (_, i) => ({ series: 1 + (i % 4), ts: house.nowMs - i * 2_000, value: i })));
      house.keep();
      most = Math.max(most, number(house, 'page_count') * 4_096);
    }
    house.db.pragma('wal_checkpoint(TRUNCATE)');
    expect(bytes(house)).to.be.at.most(maxBytes);
    expect(most).to.be.at.most(maxBytes * 1.05); // the file has not grown on
    expect(house.samples().at(-1)?.ts).to.be.above(house.nowMs - MINUTE_MS); // what is young is there
    house.db.close();
  });

  it('says when nothing is left that may go, and goes on when there is', () => {
    const house = filled(2, DAY_MS, 60_000);
    bound(house, 100_000);
    expect(house.keeping.health().exhausted).to.equal(true);
    expect(house.keeping.urgent).to.equal(false);
    expect([house.count('logs'), house.rollups(HOUR_MS).size, house.count('jobs')]).to.deep.equal([0, 0, 50]);
    house.run('DELETE FROM jobs');
    house.db.exec('VACUUM');
    house.db.pragma('wal_checkpoint(TRUNCATE)');
    house.limits = { maxBytes: 10_000_000 };
    house.restart();
    house.keep();
    expect(house.keeping.health().exhausted).to.equal(false);
    house.db.close();
  });
});
