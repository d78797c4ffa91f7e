// Late samples in PostgreSQL: each is counted once, whatever else is done at the same time, and stays counted when samples are gone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { migrate } from '../../../actors/store/postgres/migrate.ts';
import { Session } from '../../../actors/store/postgres/session.ts';
import type { Policy } from '../../../actors/store/retention.ts';
import { FIRST_MS, HOUR_MS, hourOf, MINUTE_MS } from '../../../actors/store/query/rollup.ts';
import { freshSchema } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { BEGIN_MS, type Sample } from '../../support/housekeeping.ts';
import { PostgresHouse } from '../../support/houses.ts';
import { postgres } from '../../support/services.ts';

const DAY_MS = 24 * HOUR_MS;
const SERVICES = ['a', 'b'];
const KEEP = { rawMs: 2 * HOUR_MS, minutesMs: 5 * HOUR_MS, hoursMs: 1_000 * HOUR_MS, logsMs: 1, tracesMs: 1 };
const policy = (services: Policy['services']): Policy => ({
  telemetry: KEEP,
  services,
  episodesMs: 1,
  jobsMs: 1,
  auditMs: 1,
  versionsMs: 1,
  versionsAtLeast: 1,
});
/** Of `a` they go series by series, since `b` keeps them longer; or of both by the day. */
const BY_SERIES = policy({ b: { rawMs: 9 * DAY_MS, minutesMs: 9 * DAY_MS } });
const BY_DAY = policy({});

describe('Late samples in PostgreSQL', () => {
  let house: PostgresHouse;
  before(async () => {
    house = await PostgresHouse.open();
  });
  after(() => house.drop());

  const at = (minute: number, value = 1, series = 1): Sample => ({ series, ts: BEGIN_MS + minute * MINUTE_MS, value });
  const commit = (): Promise<unknown> => house.session.run('COMMIT');
  /** What a query says of all that has come. */
  const counted = async (): Promise<readonly (number | undefined)[]> => {
    const { groups } = await house.ask({ fn: 'sum', by: ['name'], fromMs: BEGIN_MS - DAY_MS, toMs: BEGIN_MS + 2 * DAY_MS - 1 });
    return groups.map(({ value }) => value[0]);
  };
  const marks = async (name: string): Promise<number> => Number((await house.rows(`SELECT value FROM marks WHERE name = '${name}'`))[0]?.value);
  const left = async (): Promise<number> => (await house.samples()).length;
  const waiting = async (on: Session): Promise<void> => {
    const { rows } = await on.run("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'points'::regclass");
    expect(rows).to.have.length(1);
  };

  it('that come while their minute is made anew are not forgotten: it is left for the next time', async () => {
    await house.clear(SERVICES);
    house.nowMs += HOUR_MS;
    await house.append([at(0)]);
    await house.keep();
    await house.append([at(0, 10)]); // its minute waits
    await house.begin([at(0, 100), at(3, 1_000)]);
    await house.keep();
    expect(await counted()).to.deep.equal([11]);
    await commit();
    expect(await counted()).to.deep.equal([1_111]);
    await house.keep();
    expect(await counted()).to.deep.equal([1_111]);
    expect(await house.rows('SELECT * FROM stale_rollups')).to.deep.equal([]);
  });

  it('are those alone that leave word: a minute is not rolled up while a transaction goes on that may bring samples of it', async () => {
    await house.clear(SERVICES);
    await house.keep();
    house.nowMs += 10 * MINUTE_MS + 500;
    await house.begin([{ series: 1, ts: house.nowMs, value: 1 }]);
    const other = await Session.open(house.server);
    const age =
      "SELECT max(clock_timestamp() - xact_start) > interval '501 ms' AS old FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()";
    await eventually(async () => expect((await other.run(age)).rows).to.deep.equal([{ old: true }]));
    other.drop();
    await house.keep();
    const during = await marks('rolled');
    await commit();
    await house.keep();
    expect([during, await marks('rolled')].map((ms) => (ms - BEGIN_MS) / MINUTE_MS)).to.deep.equal([7, 8]);
  });

  it('that come while their like are taken, series by series, are added to what is left', async () => {
    for (const isKnown of [false, true]) {
      await house.clear(SERVICES, BY_SERIES);
      await house.append([at(0), at(1, 2, 2)]);
      house.nowMs += 10 * MINUTE_MS;
      await house.keep();
      if (isKnown) await house.append([at(0, 10)]); // then their minute waits already, and nothing of it is taken
      house.nowMs += 3 * HOUR_MS;
      await house.begin([at(0, 100)]);
      await house.keep();
      const before = await left(); // with those that are not committed, and the one of `b`
      await commit();
      await house.keep();
      await house.keep();
      expect([before, await left()]).to.deep.equal([isKnown ? 4 : 2, 1]);
      expect(await counted()).to.deep.equal([isKnown ? 111 : 101, 2]);
    }
  });

  it('that come while their day is dropped are waited for, and rolled up before', async () => {
    await house.clear(SERVICES, BY_DAY);
    const other = await Session.open(house.server);
    await house.append([at(0), at(1, 2, 2)]);
    await house.keep();
    house.nowMs += 2 * DAY_MS;
    await house.begin([at(0, 10)]);
    const keeping = house.keep();
    await eventually(() => waiting(other), 10_000);
    await commit();
    await keeping;
    other.drop();
    expect([await left(), await marks('dropped')]).to.deep.equal([0, BEGIN_MS + DAY_MS]);
    expect(await counted()).to.deep.equal([11, 2]);
  });

  it('hold up nobody for long: a day that is in use is dropped the next time', async () => {
    await house.clear(SERVICES, BY_DAY);
    await house.append([at(0), at(1, 2, 2)]);
    await house.keep();
    house.nowMs += 2 * DAY_MS;
    await house.begin([at(0, 10)]);
    await house.keep();
    await commit();
    expect([await left(), await marks('dropped')]).to.deep.equal([3, Number.NaN]);
    await house.keep();
    expect([await left(), await marks('dropped')]).to.deep.equal([0, BEGIN_MS + DAY_MS]);
    expect(await counted()).to.deep.equal([11, 2]);
  });

  it('are counted once when their like are gone, in the minute, and where minutes are gone in the hour', async () => {
    for (const kept of [BY_SERIES, BY_DAY]) {
      await house.clear(SERVICES, kept);
      await house.append([at(0), at(70), at(23 * 60)]);
      house.nowMs = BEGIN_MS + DAY_MS + 3 * HOUR_MS;
      await house.keep();
      expect(await left()).to.equal(0);
      const late = [at(0, 10), at(5, 20), at(23 * 60, 40), at(23 * 60 + 1, 80), at(-5 * 24 * 60, 160)];
      for (const one of late) await house.append([one]);
      await house.append(late);
      const { groups: before } = await house.ask({ fn: 'count', toMs: BEGIN_MS + 2 * DAY_MS });
      expect(before[0]?.value[0]).to.equal(3);
      for (let i = 0; i < 2; i++) {
        await house.keep();
        const { groups } = await house.ask({ fn: 'sum', stepMs: HOUR_MS, toMs: BEGIN_MS + 2 * DAY_MS });
        expect([...(groups[0]?.ts ?? [])].map((ts, n) => [(ts - BEGIN_MS) / HOUR_MS, groups[0]?.value[n]])).to.deep.equal([
          [-120, 320],
          [0, 61],
          [1, 1],
          [23, 241],
        ]);
        expect(await left()).to.equal(0);
      }
    }
  });

  it('are added to their hour while its minutes go', async () => {
    await house.clear(SERVICES);
    await house.append([...Array.from({ length: 12 }, (_, minute) => at(minute)), at(1, 2, 2)]);
    house.nowMs += 20 * HOUR_MS;
    await house.keep();
    house.retention = BY_SERIES;
    const minutes = async (): Promise<number> => (await house.rows(`SELECT 1 FROM rollups WHERE series_id = 1 AND step = ${MINUTE_MS}`)).length;
    const { late, removal } = await house.keepers(async () => expect(await minutes()).to.equal(12));
    await removal.all(BY_SERIES, house.nowMs, await marks('rolled')).catch(() => {});
    expect(await minutes()).to.equal(7); // it was interrupted when five of them had gone
    await house.append([at(11, 100)]);
    await late.refresh(async () => {});
    expect([await minutes(), await counted()]).to.deep.equal([7, [112, 2]]);
    await house.keep();
    expect([await minutes(), await counted()]).to.deep.equal([0, [112, 2]]);
  });

  it('come, are rolled up and taken at the same time, and each is counted once', async () => {
    for (const kept of [BY_SERIES, BY_DAY]) {
      await house.clear(SERVICES, kept);
      let [sum, seed, isOver] = [0, 1, false];
      const keeping = (async (): Promise<void> => {
        while (!isOver) await house.keep(1 + (seed % 7));
      })();
      for (let i = 0; i < 80; i++) {
        house.nowMs += 23 * MINUTE_MS;
        const some = Array.from({ length: 6 }, (_, n): Sample => {
          seed = (seed * 48_271) % 2_147_483_647;
          return { series: 1, ts: house.nowMs - (seed % (n < 3 ? 3 * HOUR_MS : DAY_MS)), value: (seed >> 8) % 100 };
        });
        await house.append(some);
        sum += some.reduce((all, { value }) => all + value, 0);
      }
      isOver = true;
      await keeping;
      for (let i = 0; i < 3; i++) {
        house.nowMs += HOUR_MS;
        await house.keep();
      }
      expect(await counted()).to.deep.equal([sum]);
      expect(await house.rows('SELECT * FROM stale_rollups')).to.deep.equal([]);
    }
  }).timeout(60_000);

  it('of a database from before: what was gone by service is gone by series and by the day', async () => {
    const server = { urls: [(await postgres()).url], schema: freshSchema(), application: 'spec' };
    const on = await Session.open(server);
    const [first] = ['001-first.sql'].map((name) => readFileSync(join(import.meta.dirname, '../../../actors/store/postgres/migrations', name), 'utf8'));
    const midday = BEGIN_MS + 12 * HOUR_MS;
    await on.run(`CREATE SCHEMA ${server.schema}; ${first}; CREATE TABLE argos_schema (version INTEGER NOT NULL); INSERT INTO argos_schema VALUES (1);
      INSERT INTO series (service, name, tags, hash) VALUES ('a', 'm', '{}', 'x'), ('b', 'm', '{}', 'y'), ('new', 'm', '{}', 'z');
      INSERT INTO removed VALUES ('a', ${midday}), ('b', ${midday + 2 * DAY_MS});
      INSERT INTO rollups VALUES (2, ${MINUTE_MS}, ${midday + MINUTE_MS}, 1, 1, 1, 1, 1, 0, 1, 0, 0, '')`);
    await migrate(on, server);
    expect((await on.run('SELECT * FROM gone ORDER BY series_id')).rows).to.deep.equal([
      { series_id: 1, raw_before: BEGIN_MS, minutes_before: BEGIN_MS },
      { series_id: 2, raw_before: midday + 2 * DAY_MS, minutes_before: hourOf(midday) },
      { series_id: 3, raw_before: BEGIN_MS, minutes_before: FIRST_MS },
    ]);
    on.drop();
  });
});
