/** Reports beside those of the replay, which compares supervisor reports with OTP's own: crashes, progress, and dynamic supervisors. */
import { channel } from 'node:diagnostics_channel';
import { expect } from 'chai';
import { cast, stopServer } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type DynamicFlags, startDynamicChild, startDynamicSupervisor, terminateDynamicChild } from '../../lib/dynamic-supervisor.ts';
import { Exit } from '../../lib/exit.ts';
import { fail, type Init, ignore, ok, start, stop } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { onReport, publish, type Report } from '../../lib/report.ts';
import { started } from '../../lib/start.ts';
import { startChild, startSupervisor } from '../../lib/supervisor.ts';
import { asyncNolink, asyncTask, awaitTask, startTaskSupervisor } from '../../lib/task.ts';
import { caught, down, drain, inProcess, next, sleep } from './elixir.ts';
import { alone, type Fun, type State, tryLink, tryStart } from './server.ts';

/** What was reported while `body` ran as a process: each report in one line. */
async function reported(body: (self: Process) => Promise<void>): Promise<readonly unknown[]> {
  const lines: unknown[] = [];
  const why = (reason: unknown): unknown => (reason instanceof Error ? reason.message : reason);
  const line = (report: Report): unknown => {
    if (report.report === 'crash_report') return ['crash', why(report.reason)];
    if (report.report === 'progress') return ['progress', report.started.id, report.started.pid.isAlive];
    const { errorContext, reason, offender } = report;
    return [errorContext, why(reason), offender.id, offender.nbChildren ?? (offender.pid ? 'its pid' : 'no pid')];
  };
  let clock: Process['clock'] | undefined; // by which those of this case are known
  const silence = onReport((report) => {
    const { clock: its } = report.report === 'crash_report' ? report.pid : report.supervisor;
    if (its === clock) lines.push(line(report));
  });
  try {
    await inProcess((self) => {
      clock = self.clock;
      return body(self);
    });
    return lines;
  } finally {
    silence();
  }
}

const throwing =
  (what: unknown): Fun =>
  () => {
    throw what;
  };
const stopping =
  (reason: unknown): Fun =>
  (state) =>
    stop(reason, state);

/** What a server reports that does `fun`. */
const reportedBy = (fun: Fun, first: State | (() => Init<State>) = {}): Promise<readonly unknown[]> =>
  reported(async (self) => {
    const s = await alone(self, first);
    cast(s, fun);
    await down(self, s);
  });

describe('A crash report', () => {
  it('comes when a server ends abnormally by its own doing, with its last reason', async () => {
    expect(await reportedBy(stopping('boom'))).to.deep.equal([['crash', 'boom']]);
    expect(await reportedBy(throwing(new Exit('boom')))).to.deep.equal([['crash', 'boom']]);
    expect(await reportedBy(throwing(new Error('oops')))).to.deep.equal([['crash', 'oops']]);
    expect(await reportedBy(throwing('ball'))).to.deep.equal([['crash', ['bad_return_value', 'ball']]]);
  });

  it('does not come when it ends in an orderly way', async () => {
    for (const reason of ['normal', 'shutdown', ['shutdown', 1]]) expect(await reportedBy(stopping(reason))).to.deep.equal([]);
  });

  // proc_lib:crash_report/4 leaves out exit(normal), exit(shutdown) and exit({shutdown, _}), thrown or not
  it('nor when the orderly reason is thrown', async () => {
    for (const reason of ['normal', 'shutdown', ['shutdown', 1]]) expect(await reportedBy(throwing(new Exit(reason)))).to.deep.equal([]);
  });

  // gen_server:init_it/6 exits within proc_lib:init_p/5, and Task.Supervised runs within it
  it('comes when a start fails, and when a task does, by whatever; not for an orderly reason', async () => {
    const failing = async (fails: () => Init<State>): Promise<readonly unknown[]> => {
      const lines = await reported(async (self) => {
        self.trapExit = true;
        for (const init of [fails, async (server: Process) => sleep(server, 1).then(fails)]) await tryLink(self, init);
        for (const work of [fails, () => Promise.resolve().then(fails)]) {
          await caught(async () => awaitTask(self, asyncTask(self, work)));
          await caught(async () => awaitTask(self, await asyncNolink(started(await startTaskSupervisor(self)), self, work)));
        }
      });
      return lines.filter((line) => Array.isArray(line) && line[0] === 'crash');
    };
    const exiting = (reason: unknown) => (): never => {
      throw new Exit(reason);
    };
    expect(await failing(exiting('boom'))).to.deep.equal(Array.from({ length: 6 }, () => ['crash', 'boom']));
    for (const reason of ['normal', 'shutdown', ['shutdown', 1]]) expect(await failing(exiting(reason))).to.deep.equal([]);
    expect(await reported(async (self) => void (await tryStart(self, () => fail('nope'))))).to.deep.equal([['crash', 'nope']]);
    const lines = await reported(async (self) => {
      const gate = Promise.withResolvers<never>();
      await tryStart(self, () => gate.promise, { timeoutMs: 1 });
      gate.reject(new Error('too late')); // of one that has been killed
      await sleep(self, 1);
    });
    expect(lines).to.deep.equal([]);
  });

  it('does not come of one that others have ended', async () => {
    const lines = await reported(async (self) => {
      for (const reason of ['kill', 'boom']) {
        const s = await alone(self, {});
        self.exit(s, reason);
        await down(self, s);
      }
      const gate = Promise.withResolvers<void>();
      const dying = started(await start({ init: () => ok(0), handleCast: () => stop('boom', 0), terminate: () => gate.promise }, { clock: self.clock }));
      cast<unknown>(dying, 'end');
      await sleep(self, 1);
      self.exit(dying, 'kill'); // within its terminate
      await sleep(self, 1);
      gate.resolve();
      await sleep(self, 1);
    });
    expect(lines).to.deep.equal([]);
  });
});

const child = (id: unknown, first: State | ((self: Process) => Init<State> | Promise<Init<State>>) = {}, more: Partial<ChildSpec> = {}): ChildSpec => ({
  id,
  start: (parent) => tryLink(parent, first),
  ...more,
});

describe('A progress report', () => {
  it('names each child that a supervisor has started, at its start, at a restart and by startChild; not one that did not start', async () => {
    const lines = await reported(async (self) => {
      const pids: Process[] = [];
      const noting = (server: Process): Init<State> => {
        pids.push(server);
        return ok({});
      };
      const sup = started(await startSupervisor(self, { flags: {}, children: [child('a', noting, { restart: 'temporary' }), child('b', noting)] }));
      await startChild(
        sup,
        child('ignored', () => ignore),
      );
      await startChild(
        sup,
        child('failed', () => fail('nope')),
      );
      await startChild(sup, child('c'));
      self.exit(pids[1] as Process, 'normal'); // which is nothing
      self.exit(pids[1] as Process, 'shutdown');
      await sleep(self, 1);
    });
    expect(lines).to.deep.equal([
      ['progress', 'a', true],
      ['progress', 'b', true],
      ['crash', 'nope'],
      ['progress', 'c', true],
      ['child_terminated', 'shutdown', 'b', 'its pid'],
      ['progress', 'b', true],
    ]);
  });
});

describe('A report of a dynamic supervisor', () => {
  const dynamic = async (self: Process, flags: DynamicFlags = {}): Promise<Process> => started(await startDynamicSupervisor(self, flags));
  const add = async (sup: Process, spec: ChildSpec): Promise<Process> => {
    const result = await startDynamicChild(sup, spec);
    if (result === 'ignore' || 'error' in result || !result.ok) throw new Error('it did not start');
    return result.ok;
  };

  it('tells of an end that calls for a restart, and of any other abnormal one', async () => {
    const lines: unknown[] = [];
    for (const restart of ['permanent', 'transient', 'temporary'] as const)
      for (const reason of ['normal', 'shutdown', 'boom']) {
        const seen = await reported(async (self) => {
          const pid = await add(await dynamic(self), child('x', {}, { restart }));
          await stopServer(pid, reason);
          await sleep(self, 1);
        });
        if (seen.some((line) => Array.isArray(line) && line[0] === 'child_terminated' && line[1] === reason && line[3] === 'its pid'))
          lines.push([restart, reason]);
      }
    expect(lines).to.deep.equal([
      ['permanent', 'normal'],
      ['permanent', 'shutdown'],
      ['permanent', 'boom'],
      ['transient', 'boom'],
      ['temporary', 'boom'],
    ]);
  });

  it('does not come of a start that failed: that is for those who asked for it, and for the crash report', async () => {
    const lines = await reported(async (self) => {
      const sup = await dynamic(self);
      for (const how of [fail('nope'), ignore])
        await startDynamicChild(
          sup,
          child('x', () => how),
        );
    });
    expect(lines).to.deep.equal([['crash', 'nope']]);
  });

  it('tells of a restart that failed: at first with the Pid that was, then with none; and nothing of one given up by terminateChild', async () => {
    const lines = await reported(async (self) => {
      const sup = await dynamic(self, { maxRestarts: 100 });
      let starts = 0;
      const spec = child('x', async (server) => {
        if (starts++ === 0) return ok({});
        self.deliver(server);
        await next(server);
        return fail('nope');
      });
      const pid = await add(sup, spec);
      self.exit(pid, 'kill');
      const go = async (): Promise<unknown> => self.send((await next(self)) as Process, 'go');
      await go();
      const third = (await next(self)) as Process;
      const terminated = terminateDynamicChild(sup, pid); // it waits in the mailbox before the next try
      self.send(third, 'go');
      expect([await terminated, await drain(self)]).to.deep.equal(['ok', []]);
    });
    expect(lines).to.deep.equal([
      ['progress', 'x', true],
      ['child_terminated', 'killed', 'x', 'its pid'],
      ['crash', 'nope'],
      ['start_error', 'nope', 'x', 'its pid'],
      ['crash', 'nope'],
      ['start_error', 'nope', 'x', 'no pid'],
    ]);
  });

  it('gives what a start function throws at a restart as the reason, unmarked', async () => {
    const lines = await reported(async (self) => {
      self.trapExit = true;
      const sup = await dynamic(self, { maxRestarts: 1 });
      const spec = child('x');
      let starts = 0;
      const start: ChildSpec['start'] = (parent) => {
        if (starts++ > 0) throw new Exit('boom');
        return spec.start(parent);
      };
      self.exit(await add(sup, { ...spec, start }), 'kill');
      await down(self, sup);
    });
    expect(lines).to.deep.include(['start_error', 'boom', 'x', 'its pid']);
  });

  it('tells that there were too many restarts, and of children that did not end as they were told', async () => {
    const lines = await reported(async (self) => {
      self.trapExit = true;
      const sup = await dynamic(self, { maxRestarts: 0 });
      const trapping = (server: Process): Init<State> => {
        server.trapExit = true;
        return ok({ log: server });
      };
      await add(sup, child('orderly', trapping));
      const stubborn = child('stubborn', {}, { shutdown: 10, start: async (parent) => ({ ok: parent.spawn(deaf, { link: true }) }) });
      for (let i = 0; i < 2; i++) await add(sup, stubborn);
      await sleep(self, 1); // so that they trap exits by then
      self.exit(await add(sup, child('x')), 'kill');
      await down(self, sup);
    });
    expect(lines.filter((line) => Array.isArray(line) && line[0] !== 'progress')).to.deep.equal([
      ['child_terminated', 'killed', 'x', 'its pid'],
      ['shutdown', 'reached_max_restart_intensity', 'x', 'its pid'],
      ['shutdown_error', 'killed', 'stubborn', 2],
    ]);
  });

  const deaf = async (process: Process): Promise<void> => {
    process.trapExit = true;
    await sleep(process, Number.POSITIVE_INFINITY);
  };
});

describe('Reports', () => {
  const report = (pid: Process): Report => ({ report: 'crash_report', pid, reason: 'boom' });

  it('are heard by all who listen, until they no longer do', async () => {
    await inProcess(async (self) => {
      const heard: string[] = [];
      const [first, second] = ['first', 'second'].map((who) => onReport(() => heard.push(who)));
      publish(() => report(self));
      first?.();
      publish(() => report(self));
      second?.();
      publish(() => report(self));
      expect(heard).to.deep.equal(['first', 'second', 'second']);
    });
  });

  it('are not even made while nobody listens', function () {
    if (channel('argos:otp').hasSubscribers) this.skip(); // a node that runs beside the specs
    let made = 0;
    publish(() => {
      made++;
      throw new Error('nobody asked');
    });
    expect(made).to.equal(0);
  });
});
