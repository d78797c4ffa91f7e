/** Databases of either engine that are kept house of piece by piece, with a clock of the spec's own, for specs that say of each that it does the same. */
import type { Series } from '../../actors/store/query/columns.ts';
import { aggregated, type GroupColumns } from '../../actors/store/query/aggregate.ts';
import type { Engine } from '../../actors/store/query/engine.ts';
import { Late } from '../../actors/store/postgres/late.ts';
import { patientEngine, engine as postgresEngine } from '../../actors/store/postgres/engine.ts';
import { migrate } from '../../actors/store/postgres/migrate.ts';
import { Removal } from '../../actors/store/postgres/removal.ts';
import { Rollups } from '../../actors/store/postgres/rollups.ts';
import { type Server, Session } from '../../actors/store/postgres/session.ts';
import { manyAtOnce } from '../../actors/store/postgres/source.ts';
import { Sweep } from '../../actors/store/postgres/sweep.ts';
import { Telemetry } from '../../actors/store/postgres/telemetry.ts';
import type { Program, Rows, Statement } from '../../actors/store/query/program.ts';
import type { AggregateQuery } from '../../actors/store/query/query.ts';
import { rawSource } from '../../actors/store/query/raw.ts';
import type { Policy } from '../../actors/store/retention.ts';
import { rolledSource } from '../../actors/store/query/rolled.ts';
import { Selection } from '../../actors/store/query/selection.ts';
import { engine as sqliteEngine } from '../../actors/store/sqlite/engine.ts';
import { freshSchema } from './engines.ts';
import { BEGIN_MS, House, type Sample } from './housekeeping.ts';
import { postgres } from './services.ts';

export interface Answer {
  readonly groups: readonly GroupColumns[];
  /** Rows that were read, and in how many statements. */
  readonly rows: number;
  readonly statements: number;
}
export interface AnyHouse {
  nowMs: number;
  append(samples: readonly Sample[]): Promise<void>;
  /** Until nothing is due, or so many pieces of work; then it is interrupted. */
  keep(most?: number): Promise<void>;
  samples(): Promise<readonly Sample[]>;
  /** @param between happens before each statement. */
  ask(query: AggregateQuery, by?: Engine, between?: () => Promise<unknown>): Promise<Answer>;
  end(): void;
}
/** How much is read and kept house of at once. */
export interface Pieces {
  readonly slice: number;
  readonly scan: number;
  readonly stale: number;
}
export interface Houses {
  readonly name: 'SQLite' | 'PostgreSQL';
  readonly engine: Engine;
  /** @param services of the series 1, 2 and so on, which are named `m0`, `m1`. */
  open(services: readonly string[], retention?: Policy): Promise<AnyHouse>;
  /** Others that answer the same. */
  others(pieces: Pieces): readonly Engine[];
}

async function asked(query: AggregateQuery, by: Engine, read: (statement: Statement) => Promise<Rows> | Rows): Promise<Answer> {
  const selection = new Selection();
  function* whole(): Program<readonly GroupColumns[]> {
    yield* selection.refresh();
    return yield* aggregated(query, by, selection);
  }
  const program = whole();
  let [all, statements] = [0, 0];
  for (let rows: Rows = []; ; all += rows.length) {
    const { done, value } = program.next(rows);
    if (done) return { groups: value, rows: all, statements };
    if (value) statements++;
    rows = value ? await read(value) : [];
  }
}

class SqliteHouse implements AnyHouse {
  readonly #house: House;
  constructor(services: readonly string[], retention?: Policy) {
    this.#house = new House(retention ? { retention } : {});
    this.#house.series(...services);
  }
  get nowMs(): number {
    return this.#house.nowMs;
  }
  set nowMs(ms: number) {
    this.#house.nowMs = ms;
  }
  async append(samples: readonly Sample[]): Promise<void> {
    this.#house.append(samples);
  }
  async keep(most?: number): Promise<void> {
    if (most !== 0) this.#house.keep(most);
  }
  async samples(): Promise<readonly Sample[]> {
    return this.#house.samples();
  }
  ask(query: AggregateQuery, by: Engine = sqliteEngine, between: () => Promise<unknown> = async () => {}): Promise<Answer> {
    const { db } = this.#house;
    return asked(query, by, async ({ sql, params }) => {
      await between();
      return db
        .prepare(sql)
        .raw()
        .all(...params) as Rows; // what raw() answers
    });
  }
  end(): void {
    this.#house.db.close();
  }
}

class Interruption extends Error {}
/** So small that there are several of each. */
const [MINUTES, CHUNK] = [3, 5];

/** Written to as by a node, kept house of and asked over sessions of their own. */
export class PostgresHouse implements AnyHouse {
  readonly session: Session;
  readonly server: Server;
  nowMs = BEGIN_MS;
  retention: Policy | undefined;
  readonly #keeps: Session;
  readonly #reads: Session;
  #telemetry: Telemetry;
  #series: readonly Series[] = [];
  #seq = 0;

  private constructor(server: Server, session: Session, keeps: Session, reads: Session) {
    this.server = server;
    [this.session, this.#keeps, this.#reads] = [session, keeps, reads];
    this.#telemetry = new Telemetry('spec', () => this.nowMs);
  }
  static async open(): Promise<PostgresHouse> {
    const server = { urls: [(await postgres()).url], schema: freshSchema(), application: 'argos/spec' };
    const session = await Session.open(server);
    await migrate(session, server);
    const house = new PostgresHouse(server, session, await Session.open(server), await Session.open(server));
    await house.#telemetry.begin(session);
    return house;
  }

  /** As it was when it was new, with these series. */
  async clear(services: readonly string[], retention?: Policy): Promise<void> {
    this.nowMs = BEGIN_MS;
    this.retention = retention;
    await this.session.run('TRUNCATE points, rollups, stale_rollups, removed, marks, unjudged; TRUNCATE series RESTART IDENTITY');
    this.#telemetry = new Telemetry('spec', () => this.nowMs);
    await this.#telemetry.begin(this.session);
    this.#series = services.map((service, i) => ({ id: i + 1, service, name: `m${i}`, tags: '{}' }));
    await this.append(this.#series.map(({ id }) => ({ series: id, ts: BEGIN_MS, value: 0 }))); // by them the series come in order
    await this.session.run('TRUNCATE points, stale_rollups, unjudged');
  }
  async append(samples: readonly Sample[]): Promise<void> {
    await this.begin(samples);
    await this.session.run('COMMIT');
  }
  /** All but the commit. */
  async begin(samples: readonly Sample[]): Promise<void> {
    const batch = {
      seq: ++this.#seq,
      atMs: this.nowMs,
      protocol: 'spec',
      series: this.#series,
      columns: {
        series: Uint32Array.from(samples, ({ series }) => series),
        ts: Float64Array.from(samples, ({ ts }) => ts),
        value: Float64Array.from(samples, ({ value }) => value),
      },
      logs: '[]',
    };
    await this.#telemetry.prepare(this.session, [batch]);
    await Promise.all([this.session.run('BEGIN'), ...this.#telemetry.append(this.session, [batch])]);
  }

  async keep(most = Number.POSITIVE_INFINITY): Promise<void> {
    let left = most;
    const goOn = async (): Promise<void> => {
      if (--left <= 0) throw new Interruption();
    };
    try {
      if (most === 0) return;
      const { rollups, late, removal } = await this.keepers(goOn);
      await rollups.roll(this.nowMs, goOn);
      await goOn();
      await late.refresh(goOn);
      if (this.retention) await new Sweep(this.#keeps, removal, goOn).all(this.retention, this.nowMs, await rollups.rolled());
    } catch (error) {
      if (!(error instanceof Interruption)) throw error;
    }
  }
  async keepers(goOn: () => Promise<unknown> = async () => {}): Promise<{ readonly rollups: Rollups; readonly late: Late; readonly removal: Removal }> {
    const rollups = await Rollups.of(this.#keeps);
    const late = new Late(this.#keeps, rollups, MINUTES);
    return { rollups, late, removal: new Removal(this.#keeps, late, async () => void (await goOn()), CHUNK) };
  }

  async samples(): Promise<readonly Sample[]> {
    return (await this.rows('SELECT series_id, ts, value FROM points ORDER BY series_id, ts, seq')).map((row) => ({
      series: Number(row.series_id),
      ts: Number(row.ts),
      value: Number(row.value),
    }));
  }
  async rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.session.run(sql)).rows;
  }
  ask(query: AggregateQuery, by: Engine = postgresEngine, between: () => Promise<unknown> = async () => {}): Promise<Answer> {
    return asked(query, by, async (statement) => {
      await between();
      return this.#reads.table(statement);
    });
  }
  end(): void {} // it is used again
  drop(): void {
    for (const session of [this.session, this.#keeps, this.#reads]) session.drop();
  }
}

const manyInPieces = (pieces: Pieces): Engine => ({
  ...postgresEngine,
  source: manyAtOnce(postgresEngine.extent, rolledSource(rawSource(), pieces, 'gone'), {
    lines: 20 * pieces.scan,
    series: pieces.stale,
    pieces: pieces.slice,
  }),
});
let postgresHouse: PostgresHouse | undefined;

export const HOUSES: readonly Houses[] = [
  {
    name: 'SQLite',
    engine: sqliteEngine,
    open: async (services, retention) => new SqliteHouse(services, retention),
    others: (pieces) => [{ ...sqliteEngine, source: rolledSource(rawSource(), pieces) }],
  },
  {
    name: 'PostgreSQL',
    engine: postgresEngine,
    async open(services, retention) {
      postgresHouse ??= await PostgresHouse.open();
      await postgresHouse.clear(services, retention);
      return postgresHouse;
    },
    others: (pieces) => [manyInPieces(pieces), patientEngine],
  },
];
