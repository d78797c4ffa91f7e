// Retention: what is older than it is kept goes, what is younger never does, and what has not ended stays for ever.
import { expect } from 'chai';
import fc from 'fast-check';
import { check } from '../../../actors/schema.ts';
import { cutsOf, durationMs, everyMs, keepOf, nextCut, policyOf, type Policy } from '../../../actors/store/retention.ts';
import { HOUR_MS, MINUTE_MS } from '../../../actors/store/query/rollup.ts';
import { bytesOf, retentionSchema, storeSchema } from '../../../actors/store/schema.ts';
import { BEGIN_MS, House, type Sample } from '../../support/housekeeping.ts';

const DAY_MS = 24 * HOUR_MS;
const NUM_RUNS = process.env.ARGOS_LONG ? 500 : 25;

function policy(written: object): Policy {
  const checked = check(retentionSchema, written);
  if (!('value' in checked)) throw new Error(JSON.stringify(checked.faults));
  return policyOf(checked.value);
}

describe('the policy of retention', () => {
  it('has defaults for all that is left out', () => {
    const { telemetry, jobsMs, versionsAtLeast } = policy({});
    expect(telemetry).to.deep.equal({ rawMs: 7 * DAY_MS, minutesMs: 90 * DAY_MS, hoursMs: 730 * DAY_MS, logsMs: 14 * DAY_MS, tracesMs: 7 * DAY_MS });
    expect([jobsMs, versionsAtLeast]).to.deep.equal([90 * DAY_MS, 100]);
  });

  it('takes a number with its unit or `forever`, and nothing else', () => {
    expect(['90s', '15m', '36h', '7d', '2w', '2y', 'forever'].map(durationMs)).to.deep.equal([
      90_000,
      15 * MINUTE_MS,
      36 * HOUR_MS,
      7 * DAY_MS,
      14 * DAY_MS,
      730 * DAY_MS,
      Number.POSITIVE_INFINITY,
    ]);
    for (const wrong of ['0d', '7', '7 d', '-1d', '1.5d', 'never', '7days', ''])
      expect(
        check(retentionSchema, { logs: wrong }).faults.map(({ path }) => path),
        wrong,
      ).to.deep.equal(['/logs']);
    expect(check(retentionSchema, { services: { a: { log: '1d' } } }).faults[0]).to.include({ path: '/services/a/log', nearest: 'logs' });
  });

  it('takes a size with its unit, and nothing else', () => {
    expect(['500MB', '512MiB', '1.5 GB', '2TiB'].map(bytesOf)).to.deep.equal([500e6, 512 * 2 ** 20, 1.5e9, 2 * 2 ** 40]);
    for (const wrong of ['500', '0GB', '-1GB', '1gb', '10 kB', 'much'])
      expect(
        check(storeSchema, { max_size: wrong }).faults.map(({ path }) => path),
        wrong,
      ).to.deep.equal(['/max_size']);
  });

  it('is of a service its own entry, then the first pattern that fits, then what holds for all', () => {
    const some = policy({ metrics: '3d', services: { 'green*': { metrics: '1d' }, greenhouse: { metrics: '2d' }, '*house': { logs: '1d' } } });
    expect(['greenhouse', 'greenland', 'warehouse', 'other'].map((one) => keepOf(some, one).rawMs / DAY_MS)).to.deep.equal([2, 1, 3, 3]);
    expect(['greenhouse', 'warehouse'].map((one) => keepOf(some, one).logsMs / DAY_MS)).to.deep.equal([14, 1]);
  });

  it('keeps what is down-sampled as long at the least as what it was made of', () => {
    const keep = keepOf(policy({ metrics: '1y', services: { a: { metrics_1m: '1d' } } }), 'a');
    expect([keep.rawMs, keep.minutesMs, keep.hoursMs].map((ms) => ms / DAY_MS)).to.deep.equal([365, 365, 730]);
  });

  it('cuts samples at whole minutes and minutes at whole hours, and nothing that is kept for ever', () => {
    const nowMs = BEGIN_MS + 12_345_678;
    const cuts = cutsOf({ ...keepOf(policy({ traces: 'forever' }), 'a') }, nowMs);
    expect([cuts.raw % MINUTE_MS, cuts.minutes % HOUR_MS, cuts.hours % HOUR_MS]).to.deep.equal([0, 0, 0]);
    expect(cuts.traces).to.equal(Number.NEGATIVE_INFINITY);
  });

  it('is looked after the more often the shorter the shortest is', () => {
    expect([policy({}), policy({ logs: '10m' }), policy({ services: { a: { metrics: '5h' } } })].map(everyMs)).to.deep.equal([
      HOUR_MS,
      MINUTE_MS,
      15 * MINUTE_MS,
    ]);
  });

  it('comes to the youngest by cuts that always go on', () => {
    const instant = fc.integer({ min: 0, max: 5e12 });
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [oldest, youngest] = [Math.min(a, b), Math.max(a, b)];
        let cuts = 0;
        for (let cut = oldest; cut < youngest; cuts++) {
          const next = nextCut(cut, youngest);
          expect(next).to.be.above(cut).and.at.most(youngest);
          expect(next - cut).to.be.at.most((youngest - cut) / 64 + 2 * MINUTE_MS);
          cut = next;
        }
        expect(cuts).to.be.below(2_000);
      }),
      { numRuns: 30 },
    );
  });
});

describe('retention', () => {
  const SERVICES = ['a', 'b', 'c'];
  const hours = fc.integer({ min: 1, max: 60 }).map((n) => `${n}h`);
  const policies = fc.record({
    metrics: hours,
    metrics_1m: hours,
    metrics_1h: hours,
    logs: hours,
    traces: hours,
    episodes: hours,
    executions: hours,
    audit: hours,
    versions: hours,
    services: fc.dictionary(fc.constantFrom('a', 'b*'), fc.record({ metrics: hours, metrics_1m: hours, metrics_1h: hours, logs: hours, traces: hours })),
  });
  const ages = fc.array(fc.integer({ min: 3 * MINUTE_MS, max: 70 * HOUR_MS }), { minLength: 1, maxLength: 60 });
  /** What is left of these. */
  const younger = (times: readonly number[], cut: number): number[] => times.filter((ts) => ts >= cut).toSorted((a, b) => a - b);

  it('of telemetry takes all that is older than its service keeps it, and nothing that is younger', () => {
    fc.assert(
      fc.property(policies, ages, fc.boolean(), (written, given, twice) => {
        const house = new House();
        house.series(...SERVICES);
        const times = given.map((age) => BEGIN_MS - age);
        const samples: Sample[] = times.flatMap((ts) => SERVICES.map((_, i) => ({ series: i + 1, ts, value: ts % 7 })));
        house.append(samples);
        for (const [i, ts] of times.entries())
          for (const service of SERVICES) {
            house.run('INSERT INTO logs (ts, service, level, message, tags) VALUES (?, ?, ?, ?, ?)', ts, service, 'info', `${i}`, '{}');
            house.run(
              'INSERT INTO traces (trace_id, span_id, ts, duration_ms, service, name, status, tags) VALUES (?, ?, ?, 1, ?, ?, ?, ?)',
              `${i}`,
              service,
              ts,
              service,
              'n',
              'ok',
              '{}',
            );
          }
        if (twice) {
          house.nowMs -= 30 * HOUR_MS; // some of it has been done before
          house.limits = { retention: policy(written) };
          house.restart();
          house.keep();
          house.nowMs += 30 * HOUR_MS;
        }
        house.limits = { retention: policy(written) };
        house.restart();
        house.keep();
        for (const [i, service] of SERVICES.entries()) {
          const cuts = cutsOf(keepOf(policy(written), service), house.nowMs);
          const left = (table: string): number[] => house.all(`SELECT ts FROM ${table} WHERE service = ? ORDER BY ts`, service).map(({ ts }) => Number(ts));
          expect(house.samples().flatMap(({ series, ts }) => (series === i + 1 ? [ts] : []))).to.deep.equal(younger(times, cuts.raw));
          expect(left('logs')).to.deep.equal(younger(times, cuts.logs));
          expect(left('traces')).to.deep.equal(younger(times, cuts.traces));
          for (const [step, cut] of [
            [MINUTE_MS, Math.min(cuts.minutes, Math.floor(cuts.raw / HOUR_MS) * HOUR_MS)],
            [HOUR_MS, Math.min(cuts.hours, cuts.minutes)],
          ] as const) {
            const closed = step === MINUTE_MS ? house.nowMs : Math.floor((house.nowMs - 2 * MINUTE_MS) / HOUR_MS) * HOUR_MS;
            const buckets = new Set(times.map((ts) => Math.floor(ts / step) * step).filter((ts) => ts + step <= closed));
            const kept = house.all('SELECT ts FROM rollups WHERE series_id = ? AND step = ? ORDER BY ts', i + 1, step).map(({ ts }) => Number(ts));
            expect(kept).to.deep.equal(younger([...buckets], cut));
          }
        }
        house.db.close();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('of the journal takes what has ended long ago, and nothing that is open or in force', () => {
    const statuses = fc.constantFrom('queued', 'running', 'retrying', 'succeeded', 'failed', 'suppressed');
    const job = fc.record({
      status: statuses,
      createdAge: fc.integer({ min: 0, max: 70 }),
      endedAge: fc.integer({ min: 0, max: 70 }),
      attemptAge: fc.integer({ min: 0, max: 70 }),
    });
    const episode = fc.record({ startedAge: fc.integer({ min: 0, max: 70 }), endedAge: fc.option(fc.integer({ min: 0, max: 70 })) });
    fc.assert(
      fc.property(
        policies,
        fc.array(job, { maxLength: 80 }),
        fc.array(episode, { maxLength: 80 }),
        fc.integer({ min: 0, max: 150 }),
        (written, jobs, episodes, versions) => {
          const { jobsMs, episodesMs, auditMs, versionsMs } = policy(written);
          const house = new House({ retention: policy(written) });
          const at = (age: number): number => house.nowMs - age * HOUR_MS;
          house.db.transaction(() => {
            for (const [i, one] of jobs.entries()) {
              const { createdAge, endedAge, attemptAge, status } = one;
              const values = [`j${i}`, status, at(endedAge), at(createdAge)];
              house.run("INSERT INTO jobs (id, rule, action, status, due_ms, created_ms, job) VALUES (?, 'r', 'a', ?, ?, ?, '{}')", ...values);
              house.run("INSERT INTO attempts (job_id, number, started_ms, duration_ms, outcome) VALUES (?, 1, ?, 0, 'delivered')", `j${i}`, at(attemptAge));
            }
            for (const [i, { startedAge, endedAge }] of episodes.entries()) {
              const ended = endedAge === null ? null : at(endedAge);
              house.run(
                "INSERT INTO episodes (id, rule, severity, details, started_ms, ended_ms) VALUES (?, 'r', 's', 'd', ?, ?)",
                `e${i}`,
                at(startedAge),
                ended,
              );
              house.run("INSERT INTO audit (at_ms, author, action, subject, outcome) VALUES (?, 'a', ?, 's', 'o')", at(startedAge), `${startedAge}`);
            }
            for (let i = 1; i <= versions; i++)
              house.run("INSERT INTO config_versions (number, at_ms, author, reason, diff, overlay) VALUES (?, ?, 'a', 'r', '[]', '[]')", i, at(70 - i / 3));
            house.run("INSERT INTO rule_states (rule, state) VALUES ('r', '{}')");
            house.run("INSERT INTO monitor_states (monitor, at_ms, fields) VALUES ('m', 0, '{}')");
            house.run("INSERT INTO retained (topic, at_ms, qos, payload) VALUES ('t', 0, 0, 'x')");
            house.run("INSERT INTO unjudged (seq, at_ms, protocol, series, ts, value, texts) VALUES (9, 0, 'p', x'', x'', x'', '[]')");
          })();
          house.keep();
          const ids = (table: string): unknown[] => house.all(`SELECT id FROM ${table} ORDER BY id`).map(({ id }) => id);
          const old = (age: number, keptMs: number): boolean => age * HOUR_MS > keptMs;
          const over = ({ status, createdAge, endedAge, attemptAge }: (typeof jobs)[number]): boolean =>
            ['succeeded', 'failed', 'suppressed'].includes(status) && old(Math.min(createdAge, endedAge, attemptAge), jobsMs);
          const keptJobs = jobs.flatMap((one, i) => (over(one) ? [] : [`j${i}`])).toSorted();
          expect(ids('jobs')).to.deep.equal(keptJobs);
          expect(house.all('SELECT job_id FROM attempts ORDER BY job_id').map(({ job_id }) => job_id)).to.deep.equal(keptJobs);
          expect(ids('episodes')).to.deep.equal(
            episodes.flatMap(({ endedAge }, i) => (endedAge !== null && old(endedAge, episodesMs) ? [] : [`e${i}`])).toSorted(),
          );
          expect(house.count('audit')).to.equal(episodes.filter(({ startedAge }) => !old(startedAge, auditMs)).length);
          const numbers = Array.from({ length: versions }, (_, i) => i + 1).filter((i) => i > versions - 100 || !old(70 - i / 3, versionsMs));
          expect(house.all('SELECT number FROM config_versions ORDER BY number').map(({ number }) => number)).to.deep.equal(numbers);
          for (const table of ['rule_states', 'monitor_states', 'retained', 'unjudged']) expect(house.count(table), table).to.equal(1);
          house.db.close();
        },
      ),
      { numRuns: NUM_RUNS },
    );
  });

  it('goes on after an interruption at any step, and ends the same', () => {
    const house = new House({ retention: policy({ metrics: '1h', metrics_1m: '2h', metrics_1h: '3h', logs: '1h' }) });
    house.series(...SERVICES);
    const samples = SERVICES.flatMap((_, i) => Array.from({ length: 800 }, (_unused, k) => ({ series: i + 1, ts: BEGIN_MS - k * 30_000, value: k })));
    house.append(samples);
    for (let i = 0; i < 200; i++)
      house.run("INSERT INTO logs (ts, service, level, message, tags) VALUES (?, 'a', 'info', 'm', '{}')", BEGIN_MS - i * MINUTE_MS);
    for (let i = 1; i < 40; i++) {
      house.keep(i); // each time a little further
      house.restart();
    }
    house.keep();
    const cut = BEGIN_MS - HOUR_MS;
    expect(house.samples()).to.have.length(samples.filter(({ ts }) => ts >= cut).length);
    expect(house.count('logs')).to.equal(61);
    expect(house.all('SELECT min(ts) AS ts FROM rollups WHERE step = ?', MINUTE_MS)[0]?.ts).to.equal(BEGIN_MS - 2 * HOUR_MS);
    expect(house.all('SELECT min(ts) AS ts FROM rollups WHERE step = ?', HOUR_MS)[0]?.ts).to.equal(BEGIN_MS - 3 * HOUR_MS);
    house.db.close();
  });

  it('takes a log that comes when its like have gone', () => {
    const house = new House({ retention: policy({ logs: '2h', services: { b: { logs: '9h' } } }) });
    const log = (service: string, hours: number): void =>
      house.run("INSERT INTO logs (ts, service, level, message, tags) VALUES (?, ?, 'info', ?, '{}')", house.nowMs - hours * HOUR_MS, service, `${hours}`);
    for (let i = 0; i < 3; i++) {
      for (const hours of [1, 3, 8, 12]) for (const service of ['a', 'b']) log(service, hours);
      house.keep();
      expect(house.all('SELECT service, message FROM logs WHERE ts > ? ORDER BY service, ts', house.nowMs - 8.5 * HOUR_MS).length).to.equal(4 + 4 * i);
      expect(house.all("SELECT max(ts) AS ts FROM logs WHERE service = 'a' AND ts < ?", house.nowMs - 2 * HOUR_MS)).to.deep.equal([{ ts: null }]);
      house.nowMs += 10 * MINUTE_MS;
    }
    house.db.close();
  });

  it('leaves what is not rolled up yet, however old it is', () => {
    const house = new House({ retention: policy({ metrics: '1m' }) });
    house.series('a');
    house.append([1, 2, 3].map((minutes) => ({ series: 1, ts: BEGIN_MS - minutes * MINUTE_MS - 1, value: 1 })));
    house.keep();
    expect(house.samples().map(({ ts }) => BEGIN_MS - ts)).to.deep.equal([MINUTE_MS + 1]);
    house.db.close();
  });

  it('leaves the minutes of an hour that is not rolled up yet', () => {
    const house = new House({ retention: policy({ metrics: '1m', metrics_1m: '1m' }) });
    house.series('a');
    house.append([1, 2, 30].map((minutes) => ({ series: 1, ts: BEGIN_MS - minutes * MINUTE_MS, value: 1 })));
    house.nowMs += 90_000; // the hour is over, and its last minute not closed
    house.keep();
    house.nowMs += HOUR_MS;
    house.keep();
    expect(house.all('SELECT count FROM rollups WHERE step = ?', HOUR_MS)).to.deep.equal([{ count: 3 }]);
    house.db.close();
  });
});
