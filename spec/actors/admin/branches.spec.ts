// Branches: no resource runs twice, and nothing happens at the word of an admin that is dead, though its promises go on.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { Branches } from '../../../actors/admin/branches.ts';
import type { Names } from '../../../actors/names.ts';
import { startDynamicSupervisor, whichDynamicChildren } from '../../../lib/dynamic-supervisor.ts';
import { ok, startLink } from '../../../lib/gen-server.ts';
import { exit, type Pid, type Process, spawn } from '../../../lib/process.ts';
import { Registry } from '../../../lib/registry.ts';
import type { Declared } from '../../../proto/api.ts';
import { endOf, Root } from '../../support/actors.ts';

const declared = (name: string): Declared => ({ kind: 'monitor', name, type: 'spec', origin: 'file', spec: {} });

describe('Branches', () => {
  let root: Root;
  let branch: Pid;
  let branches: Branches;

  beforeEach(async () => {
    root = new Root();
    const names: Names = new Registry();
    branch = await root.start({ id: 'monitors', type: 'supervisor', start: (parent) => startDynamicSupervisor(parent, {}, { name: 'monitors' }) });
    names.register(branch, 'monitors', undefined);
    const init = async () => {
      for (let i = 0; i < 3; i++) await turn(); // long enough to be overtaken
      return ok(0);
    };
    branches = new Branches(names, ({ name }) => ({ id: name, restart: 'temporary', start: (parent) => startLink(parent, { init }, { name }) }));
  });
  afterEach(() => root.end());

  const admin = (): Process => spawn(() => new Promise<never>(() => {}), { name: 'admin' });
  async function kill(one: Process): Promise<void> {
    const end = endOf(one);
    exit(one, 'kill');
    await end;
  }
  /** What an admin does when it starts: whatever does not run yet is started, one after another. */
  async function fill(one: Process, wanted: readonly string[]): Promise<void> {
    await branches.settled();
    const running = branches.living().map(({ declared: { name } }) => name);
    for (const name of wanted) if (!running.includes(name)) await branches.start(one, declared(name));
  }

  it('has every resource once, when one admin after another is killed while it fills them', async () => {
    const wanted = ['a', 'b', 'c', 'd'];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 4 }), async (lives) => {
        for (const turns of lives) {
          const dying = admin();
          fill(dying, wanted).catch(() => {});
          for (let i = 0; i < turns; i++) await turn();
          await kill(dying);
        }
        const last = admin();
        await fill(last, wanted);
        expect(branches.living().map(({ declared: { name } }) => name)).to.have.members(wanted);
        expect(await whichDynamicChildren(branch)).to.have.length(wanted.length);
        for (const name of wanted) await branches.stop(last, declared(name));
        expect(await whichDynamicChildren(branch)).to.have.length(0);
        await kill(last);
      }),
      { numRuns: 50 },
    );
  });

  it('takes no further step of the plan of an admin that has been killed', async () => {
    const dying = admin();
    const applied = branches.apply(dying, [
      { do: 'start', declared: declared('a') },
      { do: 'start', declared: declared('b') },
    ]);
    await kill(dying);
    expect(await applied.catch((thrown: unknown) => thrown)).to.deep.equal({ reason: 'killed' });
    await branches.settled();
    expect(branches.living().map(({ declared: { name } }) => name)).to.deep.equal(['a']);
  });
});
