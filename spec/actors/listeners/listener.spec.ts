// Every listener: whenever it is killed, the next one finds its place free.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { Type } from 'typebox';
import { type ListenerType, listenerChild } from '../../../actors/listeners/listener.ts';
import { logger } from '../../../actors/logger.ts';
import { exit, type Process, processes } from '../../../lib/process.ts';
import { Registry } from '../../../lib/registry.ts';
import { endOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';

describe('listener', () => {
  let root: Root;
  let there = 0;
  /** Its port can be held once, and it takes a few turns to have it. */
  const type: ListenerType<ReturnType<typeof Type.Object>> = {
    type: 'spec',
    schema: Type.Object({}),
    env: {},
    async open() {
      if (there > 0) throw new Error('in use');
      there++;
      for (let i = 0; i < 5; i++) await turn();
      return { address: 'here', connections: () => 0, close: async () => void there-- };
    },
  };
  const archive = { metrics: async () => [], logs: async () => [] };
  const health = async () => ({ ready: true, faults: [] });
  const child = listenerChild(type, {}, { names: new Registry(), log: logger('spec'), archive, berths: new Map(), ingest: async () => {}, health });
  const alive = (): Process | undefined => [...processes()].find(({ name }) => name === 'listener:spec');

  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  for (const turns of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    it(`is there once, and gone when it has stopped, though the one before was killed ${turns} turns after its start`, async () => {
      const dying = root.start(child).catch(() => {});
      await eventually(() => expect(alive()).to.not.equal(undefined));
      for (let i = 0; i < turns; i++) await turn();
      const first = alive() as Process;
      const end = endOf(first);
      exit(first, 'kill');
      await end;
      const next = await root.start(child);
      expect(there).to.equal(1);
      await dying;
      await root.stop(next);
      expect(there).to.equal(0);
    });
});
