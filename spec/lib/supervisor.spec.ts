/** The Supervisor cases recorded from Elixir, restated on `lib/supervisor.ts`. */
import type { ChildSpec } from '../../lib/child-spec.ts';
import { stopServer } from '../../lib/call.ts';
import { fail, type Init, ignore, ok } from '../../lib/gen-server.ts';
import { Process } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { countChildren, deleteChild, type Flags, restartChild, startChild, startSupervisor, terminateChild, whichChildren } from '../../lib/supervisor.ts';
import { down, drain, exits, restating, sleep } from './elixir.ts';
import { type State, tryLink } from './server.ts';

/** What `lib/` does not have. */
const NOT_HERE = {
  'ex-090': 'a module has no child_spec of its own: a child spec is written where it is used',
};

const worker = (id = 'w', first: State | ((self: Process) => Init<State>) = {}): ChildSpec => ({
  id,
  start: (parent) => tryLink(parent, first, { name: 'a' }),
});

const supervisor = async (self: Process, children: readonly ChildSpec[], flags: Flags = {}): Promise<Process> =>
  started(await startSupervisor(self, { flags, children }, { name: 'sup' }));

describe('Supervisor, as recorded from Elixir', () => {
  const restated = restating('ex-087', 'ex-092', NOT_HERE);

  // the defaults here are Erlang's, 1 in 5 seconds; so the limit is said
  restated('ex-087', async (self) => {
    self.trapExit = true;
    const sup = await supervisor(self, [worker()], { intensity: 3, period: 5 });
    const alive: boolean[] = [];
    for (let i = 0; i < 4; i++) {
      const [child] = await whichChildren(sup);
      if (!(child?.pid instanceof Process)) throw new Error('no child is running');
      self.exit(child.pid, 'kill');
      await down(self, child.pid);
      await sleep(self, 5);
      alive.push(sup.isAlive);
    }
    return [alive, await drain(self)];
  });

  restated('ex-088', async (self) => {
    const sup = await supervisor(self, []);
    await startChild(sup, worker());
    const again = await startChild(sup, worker());
    const refused = [await deleteChild(sup, 'w'), await restartChild(sup, 'w'), await terminateChild(sup, 'none')];
    const terminated = await terminateChild(sup, 'w');
    const present = await startChild(sup, worker());
    return [again, refused, terminated, present, await deleteChild(sup, 'w'), await whichChildren(sup)];
  });

  restated('ex-089', async (self) => {
    const sup = await supervisor(self, []);
    const failed = await startChild(
      sup,
      worker('b', () => fail('nope')),
    );
    const [reason, spec] = 'error' in failed && Array.isArray(failed.error) ? failed.error : [];
    const ignored = await startChild(
      sup,
      worker('i', () => ignore),
    );
    return [['error', reason, spec?.id === 'b' ? 'child' : spec], ignored, await countChildren(sup)];
  });

  restated('ex-091', async (self) => {
    self.trapExit = true;
    const result = await startSupervisor(self, { flags: {}, children: [worker(), worker()] });
    return [result, exits(await drain(self))];
  });

  restated('ex-092', async (self) => {
    const trapping = (server: Process): Init<State> => {
      server.trapExit = true;
      return ok({});
    };
    const sup = await supervisor(
      self,
      ['a', 'b', 'c'].map((id) => worker(id, trapping)),
    );
    const children = await whichChildren(sup);
    const order: unknown[] = [];
    for (const { id, pid } of children) if (pid instanceof Process) pid.onExit(() => order.push(id));
    await stopServer(sup);
    return [children.map(({ id }) => id), order];
  });
});
