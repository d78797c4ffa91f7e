/** What every type of monitor owes to those who run it: a spec passes it in a few lines. */
import { expect } from 'chai';
import type { TSchema } from 'typebox';
import { type Ask, call } from '../../lib/call.ts';
import type { Pid } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import type { Event, Fields, Observation } from '../../actors/event.ts';
import { Feed } from '../../actors/feed.ts';
import { logger } from '../../actors/logger.ts';
import type { MonitorStatus, MonitorType } from '../../actors/monitors/monitor.ts';
import { monitorChild } from '../../actors/monitors/monitor.ts';
import type { Names } from '../../actors/names.ts';
import type { RetryPolicy } from '../../actors/retry-policy.ts';
import { check } from '../../actors/schema.ts';
import { configOf, endOf, Reader, retryPolicyOf, Root } from './actors.ts';
import { eventually } from './eventually.ts';

/** A monitor that runs, and what it has seen. */
export class Watched {
  readonly pid: Pid;
  readonly feed: Feed;
  readonly names: Names;
  readonly #reader: Reader;

  constructor(pid: Pid, feed: Feed, names: Names, reader: Reader) {
    this.pid = pid;
    this.feed = feed;
    this.names = names;
    this.#reader = reader;
  }

  /** What it has emitted so far, oldest first. */
  get events(): readonly Event[] {
    return this.#reader.events;
  }
  get seen(): readonly Observation[] {
    return this.events.flatMap(({ observations }) => observations);
  }
  /** The states that it went through, oldest first. */
  get states(): readonly Fields[] {
    return this.seen.map(({ fields }) => fields);
  }
  /** Wait until it has seen something like this. */
  sees(like: object): Promise<Fields> {
    return eventually(() => {
      const found = this.states.find((fields) => Object.entries(like).every(([key, value]) => JSON.stringify(fields[key]) === JSON.stringify(value)));
      expect(found, `${JSON.stringify(like)} among ${JSON.stringify(this.states).slice(0, 2_000)}`).to.not.equal(undefined);
      return found as Fields;
    });
  }
  /** Resolves when it has seen all that was sent to it before. */
  async settled(): Promise<void> {
    if (this.pid.isAlive) await this.status();
    await this.#reader.settled();
  }
  status(): Promise<MonitorStatus> {
    return call(this.pid, { ask: 'status' } as Ask<MonitorStatus>);
  }
}

/** Start a monitor of this type; by default a failure is tried anew after 10 ms, three times. */
export async function watch<S extends TSchema>(
  root: Root,
  type: MonitorType<S>,
  config: object,
  retry: Partial<RetryPolicy> = {},
  feed = new Feed(async () => 1),
): Promise<Watched> {
  const names: Names = new Registry();
  const reader = await Reader.start(root, feed, { it: 'all' });
  const settings = { retry: retryPolicyOf(retry), feed, names, log: logger('spec') };
  return new Watched(await root.start(monitorChild('it', type, configOf(type.schema, config), settings)), feed, names, reader);
}

export interface Contract<S extends TSchema> {
  readonly type: MonitorType<S>;
  /** The config for a target that is there, and how many connections or requests the monitor holds there now. */
  present(): Promise<{ readonly config: object; held(watched: Watched): number | Promise<number> }>;
  /** The config for a target that is not there; left out where the type has none. */
  absent?(): Promise<object>;
}

export function keepsTheContract<S extends TSchema>({ type, present, absent }: Contract<S>): void {
  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  it('stops when its process stops, and frees what it held', async () => {
    const { config, held } = await present();
    const watched = await watch(root, type, config);
    await eventually(async () => expect(await held(watched)).to.be.above(0));
    expect(watched.names.whereis('monitor:it')).to.equal(watched.pid);
    expect(await root.stop(watched.pid)).to.equal('shutdown');
    await eventually(async () => expect(await held(watched)).to.equal(0));
    expect(watched.names.whereis('monitor:it')).to.equal(undefined);
    expect(watched.states.filter(({ up }) => up === false)).to.deep.equal([]); // that it was stopped says nothing about the target
  });

  it('refuses an unknown key, and says which it would have taken', async () => {
    const { config } = await present();
    expect(check(type.schema, config).faults).to.deep.equal([]);
    const [fault, ...more] = check(type.schema, { ...config, intervall: 1 }, '/config').faults;
    expect(more).to.deep.equal([]);
    expect(fault).to.include({ path: '/config/intervall', got: 'intervall' });
    for (const key of Object.keys(config)) expect(fault?.expected).to.include(key);
  });

  if (!absent) return;

  it('emits up false with an error for a target that is not there, and goes on trying', async () => {
    const watched = await watch(root, type, await absent(), { max_retries: 1_000 });
    await eventually(() => expect(watched.seen.length).to.be.above(3));
    for (const fields of watched.states) {
      expect(fields).to.include({ up: false, down: false });
      expect(fields.error).to.be.a('string').with.length.above(0);
    }
    expect(await watched.status()).to.include({ phase: 'retrying' });
  });

  it('gives up after max_retries + 1 failures with a `down` observation, and exits with an Error', async () => {
    const watched = await watch(root, type, await absent(), { max_retries: 2 });
    const reason = await endOf(watched.pid);
    expect(reason)
      .to.be.an.instanceOf(Error)
      .with.property('message')
      .that.matches(/^gave up after 2 retries: ./);
    await eventually(() => expect(watched.states.map(({ down }) => down)).to.deep.equal([false, false, true]));
  });

  it('sees no field that its list of fields does not name', async () => {
    const watched = await watch(root, type, await absent(), { max_retries: 0 });
    await endOf(watched.pid);
    const { config } = await present();
    const other = await watch(root, type, config);
    await eventually(() => expect(other.seen.length + watched.seen.length).to.be.above(1));
    for (const fields of [...watched.states, ...other.states]) expect([...type.fields, 'down']).to.include.members(Object.keys(fields));
  });
}
