// Monitor type push: which of the items that listeners take are its own, and what it makes of them.
import { expect } from 'chai';
import type { Level, Log, Metric, Telemetry } from '../../../actors/event.ts';
import { http } from '../../../actors/monitors/http.ts';
import { push } from '../../../actors/monitors/push.ts';
import { check } from '../../../actors/schema.ts';
import { Root } from '../../support/actors.ts';
import { keepsTheContract, watch } from '../../support/monitor-kit.ts';

type Tags = Readonly<Record<string, string>>;
const metric = (service: string, name: string, value = 1, tags: Tags = {}): Metric => ({ service, name, value, tags, timestamp: 1_000 });
const log = (service: string, level: Level, message: string, tags: Tags = {}): Log => ({ service, level, message, tags, timestamp: 1_000 });
const telemetry = (...items: readonly (Metric | Log)[]): Telemetry => ({
  protocol: 'http',
  metrics: items.filter((item) => 'value' in item),
  logs: items.filter((item) => 'level' in item),
});

const ITEMS = [
  metric('greenhouse', 'temperature', 21, { room: 'north', floor: '1' }),
  metric('greenhouse', 'temp_max', 30, { room: 'south' }),
  metric('greenhouse-2', 'humidity', 40),
  log('greenhouse', 'error', 'door open', { room: 'north' }),
  log('greenhouse', 'info', 'door closed'),
  log('kitchen', 'fatal', 'fire'),
];

describe('monitor type push', () => {
  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  /** What a monitor with this config takes of ITEMS, by name or message. */
  async function taken(config: object): Promise<unknown[]> {
    const watched = await watch(root, push, config);
    await watched.feed.ingest(telemetry(...ITEMS));
    await watched.settled();
    return watched.states.map(({ name, message }) => name ?? message);
  }

  describe('keeps the contract of monitors:', () => {
    keepsTheContract({
      type: push,
      present: async () => ({
        config: { service: 'greenhouse' },
        held: async (watched) => {
          const before = watched.seen.length;
          await watched.feed.ingest(telemetry(...ITEMS));
          await watched.settled();
          return watched.seen.length - before;
        },
      }),
    });
  });

  it('takes everything when its config names nothing', async () => {
    expect(await taken({})).to.deep.equal(['temperature', 'temp_max', 'humidity', 'door open', 'door closed', 'fire']);
  });

  it('sees what waited when it was killed and what came while it was away, once', async () => {
    const watched = await watch(root, push, {});
    await watched.feed.ingest(telemetry(metric('s', 'before')));
    await watched.settled();
    watched.pid.suspend();
    await watched.feed.ingest(telemetry(metric('s', 'waiting')));
    await root.stop(watched.pid, 'kill');
    await watched.feed.ingest(telemetry(metric('s', 'away')));
    const next = await watch(root, push, {}, {}, watched.feed);
    await next.settled();
    expect(next.states.map(({ name }) => name)).to.deep.equal(['waiting', 'away']);
  });

  it('sees nothing of the time when a monitor of another type had its name', async () => {
    const watched = await watch(root, push, {});
    await root.stop(watched.pid);
    const other = await watch(root, http, { url: 'http://127.0.0.1:1/' }, { max_retries: 1_000 }, watched.feed);
    await watched.feed.ingest(telemetry(metric('s', 'not mine')));
    await root.stop(other.pid);
    const next = await watch(root, push, {}, {}, watched.feed);
    await next.feed.ingest(telemetry(metric('s', 'mine')));
    await next.settled();
    expect(next.states.map(({ name }) => name)).to.deep.equal(['mine']);
  });

  it('takes only the kind, the service, the name and the levels that it names', async () => {
    expect(await taken({ kind: 'metric' })).to.deep.equal(['temperature', 'temp_max', 'humidity']);
    expect(await taken({ kind: 'log' })).to.deep.equal(['door open', 'door closed', 'fire']);
    expect(await taken({ service: 'greenhouse' })).to.deep.equal(['temperature', 'temp_max', 'door open', 'door closed']);
    expect(await taken({ level: ['error', 'fatal'] })).to.deep.equal(['door open', 'fire']);
    expect(await taken({ service: 'kitchen', level: ['info'] })).to.deep.equal([]);
  });

  it('takes no log where it names a metric, and no metric where it names a level', async () => {
    expect(await taken({ name: '*' })).to.deep.equal(['temperature', 'temp_max', 'humidity']);
    expect(await taken({ level: ['debug', 'info', 'warn', 'error', 'fatal'] })).to.deep.equal(['door open', 'door closed', 'fire']);
    expect(await taken({ kind: 'metric', level: ['error'] })).to.deep.equal([]);
    expect(await taken({ kind: 'log', name: 'temperature' })).to.deep.equal([]);
  });

  it('takes any run of characters for a *, and every other character for itself', async () => {
    expect(await taken({ name: 'temp*' })).to.deep.equal(['temperature', 'temp_max']);
    expect(await taken({ name: '*m*i*y' })).to.deep.equal(['humidity']);
    expect(await taken({ service: 'greenhouse*', name: '*' })).to.deep.equal(['temperature', 'temp_max', 'humidity']);
    for (const name of ['temp.*', 'temp_ma.', 'TEMP_MAX', 'temp', '', 'temp_max*x']) expect(await taken({ name })).to.deep.equal([]);
  });

  it('takes only items that have every tag that it names', async () => {
    expect(await taken({ tags: { room: 'north' } })).to.deep.equal(['temperature', 'door open']);
    expect(await taken({ tags: { room: '*', floor: '1' } })).to.deep.equal(['temperature']);
    expect(await taken({ tags: { room: '*th' } })).to.deep.equal(['temperature', 'temp_max', 'door open']);
    for (const key of ['constructor', 'toString', 'hasOwnProperty', 'no']) expect(await taken({ tags: { [key]: '*' } })).to.deep.equal([]);
  });

  it('sees an item as it is, and nothing of the one before', async () => {
    const watched = await watch(root, push, { service: 'greenhouse' });
    await watched.feed.ingest(telemetry(...ITEMS));
    await watched.settled();
    expect(watched.states[0]).to.deep.equal({ ...ITEMS[0], up: true });
    expect(watched.states[2]).to.deep.equal({ ...ITEMS[3], up: true });
    expect(await watched.status()).to.deep.include({ phase: 'up', failures: 0, state: { ...ITEMS[4], up: true } });
  });

  it('keeps tags that bear the names of a prototype as what they are', async () => {
    const tags = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Tags;
    const watched = await watch(root, push, { tags: JSON.parse('{"__proto__": "x"}') as Tags });
    await watched.feed.ingest(telemetry(metric('s', 'odd', 1, tags), metric('s', 'plain')));
    await watched.settled();
    expect(watched.states.map(({ name }) => name)).to.deep.equal(['odd']);
    expect(({} as { x?: unknown }).x).to.equal(undefined);
  });

  it('hands on the items of one batch as one Event, in their order', async () => {
    const watched = await watch(root, push, {});
    const many = Array.from({ length: 500 }, (_, i) => metric('s', `m${i}`, i));
    await watched.feed.ingest(telemetry(...many));
    await watched.settled();
    expect(watched.states.map(({ value }) => value)).to.deep.equal(many.map(({ value }) => value));
    expect(watched.events).to.have.length(1);
  });

  it('is still starting before the first item', async () => {
    const watched = await watch(root, push, {});
    expect(await watched.status()).to.deep.equal({ phase: 'starting', failures: 0, state: {}, observedAt: null });
  });

  it('refuses a kind and a level that are not there, with the nearest word', () => {
    const { faults } = check(push.schema, { kind: 'metrics', level: ['eror'] });
    expect(faults.map(({ path, nearest }) => [path, nearest])).to.have.deep.members([
      ['/kind', 'metric'],
      ['/level/0', 'error'],
    ]);
  });
});
