/** The Registry cases recorded from Elixir, restated on `lib/registry.ts`. */
import { expect } from 'chai';
import { stopServer } from '../../lib/call.ts';
import { reply } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { type Entry, Registry, RegistryMessage } from '../../lib/registry.ts';
import { down, drain, next, restating } from './elixir.ts';
import { ask, tryStart } from './server.ts';

/** A process that holds `key` until it gets a message. */
async function owner<V>(self: Process, registry: Registry<V>, key: unknown, value: V, name = 'p'): Promise<Process> {
  const pid = self.spawn(
    async (process) => {
      process.send(self, registry.register(process, key, value));
      await next(process);
    },
    { name },
  );
  expect(await next(self)).to.equal('ok');
  return pid;
}

/** `[{Pid, Value}]`. */
const pairs = (entries: readonly Entry<unknown>[]): unknown[] => entries.map(({ pid, value }) => [pid, value]);
const values = (entries: readonly Entry<unknown>[]): unknown[] => entries.map(({ value }) => value).sort();
const heard = (messages: readonly unknown[]): unknown[] =>
  messages.map((one) => {
    if (!(one instanceof RegistryMessage)) return one;
    const { event, key, pid, value } = one;
    return event === 'register' ? [event, key, pid, value] : [event, key, pid];
  });

describe('Registry, as recorded from Elixir', () => {
  const restated = restating('ex-053', 'ex-071', {});

  // there is no partition to answer: the first register says ok, and that is all
  restated('ex-053', async (self) => {
    const registry = new Registry<number>();
    await owner(self, registry, 'k', 1);
    return [registry.register(self, 'other', 0) === 'ok', registry.register(self, 'k', 2)];
  });

  restated('ex-054', async (self) => {
    const registry = new Registry<number>();
    registry.register(self, 'k', 1);
    return [registry.register(self, 'k', 2), pairs(registry.lookup('k'))];
  });

  restated('ex-055', async (self) => {
    const registry = new Registry<string>();
    await owner(self, registry, 'k', 'v');
    return [pairs(registry.lookup('k')), registry.lookup('none')];
  });

  restated('ex-056', async (self) => {
    const registry = new Registry<string>();
    const p = await owner(self, registry, 'k', 'v');
    self.exit(p, 'kill');
    await down(self, p); // and no time for anybody to handle it
    const before = registry.lookup('k');
    registry.register(self, 'k', 'mine');
    return [before, registry.keys(p), pairs(registry.lookup('k'))];
  });

  // the registry is no process that has yet to hear of a death: an entry goes at that very moment, and is never stale
  restated(
    'ex-057',
    async (self) => {
      const registry = new Registry<unknown>();
      const p = await owner(self, registry, 'k', 'v');
      registry.register(self, 'mine', 0);
      self.exit(p, 'kill');
      await down(self, p);
      const first = [registry.lookup('k'), registry.count(), registry.whereis('k')];
      const taken = registry.register(self, 'k', 'taken') === 'ok';
      return [first, taken, pairs(registry.lookup('k'))];
    },
    [[[], 1, undefined], true, [[{ pid: 'self' }, 'taken']]],
  );

  // nor here
  restated(
    'ex-058',
    async (self) => {
      const registry = new Registry<unknown>('duplicate');
      const p = await owner(self, registry, 'k', 'v');
      self.exit(p, 'kill');
      await down(self, p);
      return registry.lookup('k');
    },
    [],
  );

  // unregister answers nothing, where Elixir says :ok in any case
  restated(
    'ex-059',
    async (self) => {
      const registry = new Registry<unknown>();
      await owner(self, registry, 'k', 'v');
      const notMine = registry.unregister(self, 'k');
      const still = pairs(registry.lookup('k'));
      registry.register(self, 'mine', 1);
      return [notMine, still, registry.unregister(self, 'mine'), registry.lookup('mine')];
    },
    [undefined, [[{ pid: 'p' }, 'v']], undefined, []],
  );

  restated('ex-060', async (self) => {
    const registry = new Registry<number>();
    registry.register(self, 'a', 1);
    registry.register(self, 'b', 2);
    return [registry.keys(self).toSorted(), registry.keys(self.spawn(() => {}))];
  });

  restated('ex-061', async (self) => {
    const registry = new Registry<number>('duplicate');
    await owner(self, registry, 'k', 1, 'p');
    await owner(self, registry, 'k', 2, 'q');
    registry.register(self, 'k', 3);
    registry.register(self, 'k', 4);
    return [values(registry.lookup('k')), registry.keys(self), registry.count()];
  });

  restated('ex-062', async (self) => {
    const registry = new Registry<number>('duplicate');
    await owner(self, registry, 'k', 1);
    registry.register(self, 'k', 3);
    registry.register(self, 'k', 4);
    registry.unregister(self, 'k');
    return pairs(registry.lookup('k'));
  });

  // dispatch answers nothing, where Elixir says :ok; that it is over when it returns is what the calling process means here
  restated(
    'ex-063',
    async (self) => {
      const registry = new Registry<number>('duplicate');
      await owner(self, registry, 'k', 1, 'p');
      await owner(self, registry, 'k', 2, 'q');
      let returned = false;
      const some = registry.dispatch('k', (entries) => self.deliver(['entries', !returned, values(entries)]));
      const none = registry.dispatch('none', () => self.deliver('called'));
      returned = true;
      return [some, none, await drain(self)];
    },
    [undefined, undefined, [['entries', true, [1, 2]]]],
  );

  // a pattern and its guards are a function of the value; count_match is the length of what matches
  restated('ex-064', async (self) => {
    const registry = new Registry<readonly [number, string]>();
    registry.register(self, 'k', [1, 'x']);
    return [
      pairs(registry.match('k', ([n]) => n === 1)),
      registry.match('k', ([n]) => n === 2),
      registry.match('k', ([, word]) => word === 'x').length,
      registry.match('k', ([n]) => n > 5),
    ];
  });

  // unregister answers nothing, as in ex-059
  restated(
    'ex-065',
    async (self) => {
      const registry = new Registry<number>('duplicate');
      registry.register(self, 'k', 1);
      registry.register(self, 'k', 2);
      return [registry.unregister(self, 'k', (value) => value === 1), pairs(registry.lookup('k'))];
    },
    [undefined, [[{ pid: 'self' }, 2]]],
  );

  // undefined for anybody else, where Elixir says :error
  restated(
    'ex-066',
    async (self) => {
      const registry = new Registry<number>();
      registry.register(self, 'k', 1);
      await owner(self, registry, 'other', 1);
      const updated = registry.updateValue(self, 'k', (value) => value + 1);
      return [updated && [updated.now, updated.before], registry.updateValue(self, 'other', (value) => value + 1), pairs(registry.lookup('k'))];
    },
    [[2, 1], undefined, [[{ pid: 'self' }, 2]]],
  );

  // a call goes to the Pid that `whereis` finds; when it finds none there is nobody to call, where Elixir's exits with noproc
  restated(
    'ex-067',
    async (self) => {
      const registry = new Registry<unknown>();
      const via = { registry, key: 'srv' };
      await tryStart(self, {}, { via });
      const again = await tryStart(self, {}, { via });
      const found = registry.whereis('srv') as Process;
      const answer = await ask(found, (_from, state) => reply('pong', state));
      await stopServer(found);
      return [again, answer, registry.whereis('srv'), registry.lookup('srv')];
    },
    [['error', ['already_started', { pid: 's' }]], 'pong', undefined, []],
  );

  restated('ex-068', async (self) => {
    const registry = new Registry<unknown>();
    await tryStart(self, {}, { via: { registry, key: 'srv', value: 'meta' } });
    return pairs(registry.lookup('srv'));
  });

  // undefined for what is not there and the value itself for what is, where Elixir says :error and {:ok, value}
  restated('ex-069', async () => {
    const registry = new Registry();
    return [registry.meta('x'), registry.putMeta('x', 1), registry.meta('x')];
  }, [undefined, undefined, 1]);

  restated('ex-070', async (self) => {
    const registry = new Registry<unknown>('unique', [self]);
    const p = self.spawn(
      async (process) => {
        registry.register(process, 'k', 'v');
        await next(process);
      },
      { name: 'p' },
    );
    const first = await next(self);
    registry.register(self, 'mine', 1);
    registry.unregister(self, 'mine');
    self.exit(p, 'kill');
    await down(self, p);
    return heard([first, ...(await drain(self, 60))]);
  });

  // the registry is no process and has nothing to survive; what can be seen is that the entry is gone and the registry still works
  restated(
    'ex-071',
    async (self) => {
      const registry = new Registry<string>();
      const p = await owner(self, registry, 'k', 'v');
      self.exit(p, 'boom');
      await down(self, p);
      return [registry.count(), registry.register(self, 'k', 'w')];
    },
    [0, 'ok'],
  );
});
