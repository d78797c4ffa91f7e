/** The Process cases recorded from Elixir, restated on `lib/process.ts`. */
import { expect } from 'chai';
import { Exit } from '../../lib/exit.ts';
import { type Process, runQueue } from '../../lib/process.ts';
import { Registry } from '../../lib/registry.ts';
import { DownMessage, ExitMessage } from '../../lib/signal.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';
import { caught, down, downOf, drain, inProcess, next, restating, sleep } from './elixir.ts';

/** What `lib/` does not have. */
const NOT_HERE = {
  'ex-042': 'a timer is cancelled and not read: `sendAfter` answers a function and no reference',
  'ex-044': 'a timer is for its own process; there are no names to send to',
};

/** A process that waits for one message, whichever, and then ends. */
const waiting = (self: Process, reason: unknown = 'normal', link = false): Process =>
  self.spawn(
    async (process) => {
      await next(process);
      throw new Exit(reason);
    },
    { name: 'p', link },
  );

describe('Process, as recorded from Elixir', () => {
  const restated = restating('ex-038', 'ex-052', NOT_HERE);

  restated('ex-038', async (self) => {
    const reasons: unknown[] = [];
    for (const reason of ['normal', 'shutdown', 'boom', ['shutdown', 1]]) {
      const pid = waiting(self, reason);
      const reference = self.monitor(pid);
      self.send(pid, 'go');
      reasons.push(await downOf(self, reference));
    }
    return reasons;
  });

  // a monitor is of a Pid, and not of a name
  restated(
    'ex-039',
    async (self) => {
      const pid = self.spawn(() => {});
      await down(self, pid);
      return down(self, pid);
    },
    'noproc',
  );

  restated('ex-040', async (self) => {
    const pid = waiting(self);
    self.monitor(pid);
    const second = self.monitor(pid);
    self.demonitor(self.monitor(pid));
    self.send(pid, 'go');
    await sleep(self, 20);
    self.demonitor(second);
    return drain(self);
  });

  // cancelling does not answer how much was left
  restated(
    'ex-041',
    async (self) => {
      const cancel = self.sendAfter(1_000, 'tick');
      cancel();
      cancel();
      const cancelFired = self.sendAfter(5, 'tock');
      const message = await next(self);
      cancelFired();
      return [message, await drain(self, 2_000)];
    },
    ['tock', []],
  );

  restated('ex-043', async (self) => {
    self.sendAfter(60, 'c');
    self.sendAfter(10, 'a');
    self.sendAfter(35, 'b');
    return drain(self, 100);
  });

  // a timer dies with its process, and there is nothing left to cancel
  restated(
    'ex-045',
    async (self) => {
      const pid = self.spawn(async (process) => {
        process.sendAfter(20, 'tick');
        await next(process);
      });
      self.send(pid, 'go');
      await down(self, pid);
      return self.clock instanceof VirtualClock && self.clock.advance();
    },
    false,
  );

  restated('ex-046', async (self) => {
    const other = waiting(self);
    self.exit(other, 'normal');
    await sleep(self, 10);
    const selfie = self.spawn((process) => {
      process.exit(process, 'normal');
      process.send(self, 'survived');
    });
    const result = [other.isAlive, await downOf(self, self.monitor(selfie)), await drain(self)];
    self.exit(other, 'kill');
    return result;
  });

  restated('ex-047', async (self) => {
    self.trapExit = true;
    const pid = self.spawn(
      async (process) => {
        process.trapExit = true;
        await sleep(process, Number.POSITIVE_INFINITY);
      },
      { name: 'p', link: true },
    );
    const reference = self.monitor(pid);
    await sleep(self, 5);
    self.exit(pid, 'kill');
    return [await downOf(self, reference), await drain(self)];
  });

  restated('ex-048', async (self) => {
    self.trapExit = true;
    const exits = (): never => {
      throw new Exit('kill');
    };
    self.spawn(exits, { name: 'p', link: true });
    return drain(self);
  });

  // link answers nothing, where Elixir says true
  restated(
    'ex-049',
    async (self) => {
      const dead = self.spawn(() => {}, { name: 'dead' });
      await down(self, dead);
      const linking = self.spawn(async (process) => {
        process.link(dead);
        await sleep(process, 50);
      });
      const reason = await down(self, linking);
      self.trapExit = true;
      return [reason, await caught(() => self.link(dead)), await drain(self)];
    },
    ['noproc', ['value', undefined], [['EXIT', { pid: 'dead' }, 'noproc']]],
  );

  restated('ex-050', async (self) => {
    self.trapExit = true;
    const pid = waiting(self, 'boom', true);
    self.unlink(pid);
    self.send(pid, 'go');
    return [await down(self, pid), await drain(self)];
  });

  restated('ex-051', async (self) => {
    const throwing = (what: unknown): Process =>
      self.spawn(async (process) => {
        await sleep(process, 10);
        throw what;
      });
    return [await down(self, throwing(new Error('oops'))), await down(self, throwing('ball'))];
  });

  // a name is a key of a Registry, which answers that it is taken and does not raise
  restated(
    'ex-052',
    async (self) => {
      const registry = new Registry();
      const pid = waiting(self);
      registry.register(pid, 'held', undefined);
      const refused = registry.register(self, 'held', undefined);
      self.send(pid, 'go');
      await down(self, pid);
      return [refused, registry.whereis('held')];
    },
    [['error', ['already_registered', { pid: 'p' }]], undefined],
  );
});

describe('Process', () => {
  // as erts 13.1 does it, whichever was asked for first; the manual gives no order
  it('is heard to end over its links before its monitors', async () => {
    const heard = await inProcess(async (self) => {
      self.trapExit = true;
      const [linkedFirst, monitoredFirst] = [waiting(self, 'boom', true), waiting(self, 'boom')];
      self.monitor(linkedFirst);
      self.monitor(monitoredFirst);
      self.link(monitoredFirst);
      const messages: unknown[] = [];
      for (const one of [linkedFirst, monitoredFirst]) {
        self.send(one, 'go');
        messages.push(...(await drain(self)).map((message) => message?.constructor));
      }
      return messages;
    });
    expect(heard).to.deep.equal([ExitMessage, DownMessage, ExitMessage, DownMessage]);
  });

  it('leaves nothing in the run queue when it ends with a turn still due', async () => {
    const left = await inProcess(async (self) => {
      const gate = Promise.withResolvers<void>();
      const pid = self.spawn(() => gate.promise);
      await sleep(self, 1);
      self.exit(pid, 'normal'); // no end, but a turn
      gate.reject(new Exit('first'));
      return [await down(self, pid), runQueue()];
    });
    expect(left).to.deep.equal(['first', 0]);
  });
});
