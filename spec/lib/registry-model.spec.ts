/** What a registry is held to beside the recorded cases: the moment at which a name is free, and any history of entries against a plain list. */
import { expect } from 'chai';
import fc from 'fast-check';
import { fail, ok } from '../../lib/gen-server.ts';
import { type Process, spawn } from '../../lib/process.ts';
import { type Entry, Registry } from '../../lib/registry.ts';
import { isStarted } from '../../lib/start.ts';
import { down, drain, inProcess, next, sleep } from './elixir.ts';
import { ask, linked, type State, tryStart } from './server.ts';

const values = (entries: readonly Entry<number>[]): unknown[] => entries.map(({ value }) => value);

describe('Registry', () => {
  it('has lost an entry before anybody hears of the death: no name is taken by a dead process (where Elixir has stale entries)', async () => {
    const seen = await inProcess(async (self) => {
      self.trapExit = true;
      const registry = new Registry<unknown>('unique', [self]);
      const found = (): unknown[] => [registry.whereis('k'), registry.lookup('k'), registry.count()];
      const s = await linked(self, {}, { via: { registry, key: 'k' } });
      await next(self); // the register
      self.monitor(s);
      const called = ask(s, () => new Promise<never>(() => {})).catch(found);
      await sleep(self, 1);
      self.exit(s, 'kill');
      const afterEach: unknown[] = [await called];
      for (let i = 0; i < 2; i++) {
        await next(self);
        afterEach.push(found());
      }
      return [afterEach, await drain(self)];
    });
    const nothing = [undefined, [], 0];
    expect(seen).to.deep.equal([[nothing, nothing, nothing], []]); // the failed call, the DOWN, the EXIT; and a listener is told of no death
  });

  it('enters no process that is dead', async () => {
    await inProcess(async (self) => {
      const registry = new Registry<number>('unique', [self]);
      const dead = self.spawn(() => {});
      await down(self, dead);
      expect(registry.register(dead, 'k', 1)).to.equal('ok');
      expect([registry.lookup('k'), registry.names(), registry.keys(dead), await drain(self)]).to.deep.equal([[], [], [], []]);
    });
  });

  it('tells its listeners of an unregister when the process has no entry left under the key, as unregister_match does', async () => {
    const told = await inProcess(async (self) => {
      const registry = new Registry<number>('duplicate', [self]);
      registry.register(self, 'k', 1);
      registry.register(self, 'k', 2);
      await drain(self);
      registry.unregister(self, 'k', (value) => value === 1);
      const one = await drain(self);
      registry.unregister(self, 'k', (value) => value === 2);
      return [one.length, (await drain(self)).length];
    });
    expect(told).to.deep.equal([0, 1]);
  });

  it('has no one holder of a key that is not unique, and says so', async () => {
    await inProcess(async (self) => {
      const registry = new Registry<number>('duplicate');
      registry.register(self, 'k', 1);
      expect(() => registry.whereis('k')).to.throw(TypeError, 'duplicate');
      expect(() => registry.updateValue(self, 'k', (value) => value + 1)).to.throw(TypeError, 'duplicate');
      expect(values(registry.lookup('k'))).to.deep.equal([1]);
    });
  });

  it('leaves a value as it was when the change fails, and a key free that the change gave up', async () => {
    await inProcess(async (self) => {
      const registry = new Registry<number>();
      registry.register(self, 'k', 1);
      const failing = (): never => {
        throw new Error('no');
      };
      expect(() => registry.updateValue(self, 'k', failing)).to.throw('no');
      expect(values(registry.lookup('k'))).to.deep.equal([1]);
      registry.updateValue(self, 'k', () => {
        registry.unregister(self, 'k');
        return 2;
      });
      expect([registry.lookup('k'), registry.names(), registry.keys(self)]).to.deep.equal([[], [], []]);
    });
  });

  it('dispatches to those that were there when it began, whatever the function registers or unregisters', async () => {
    await inProcess(async (self) => {
      const registry = new Registry<number>('duplicate');
      for (const value of [1, 2]) registry.register(self, 'k', value);
      const seen: number[] = [];
      registry.dispatch('k', (entries) => {
        for (const { value } of entries) {
          seen.push(value);
          registry.unregister(self, 'k');
          registry.register(self, 'k', value + 10);
        }
      });
      expect(seen).to.deep.equal([1, 2]);
      expect(values(registry.lookup('k'))).to.deep.equal([12]);
    });
  });

  it('a name given by `via` is taken during init, free again when init has failed, and never makes a second init run', async () => {
    const result = await inProcess(async (self) => {
      const registry = new Registry<unknown>();
      const via = { registry, key: 'k' };
      let inits = 0;
      const first = (server: Process): ReturnType<typeof ok<State>> => {
        inits++;
        return registry.whereis('k') === server ? ok({}) : fail('not by my name');
      };
      const failed = await tryStart(self, () => fail('nope'), { via });
      const free = registry.whereis('k');
      const started = await tryStart(self, first, { via });
      const refused = await tryStart(self, first, { via });
      return [failed, free, isStarted(started), refused, inits];
    });
    const [failed, free, started, refused, inits] = result;
    expect([failed, free, started, inits]).to.deep.equal([{ error: 'nope' }, undefined, true, 1]);
    expect(refused).to.have.nested.property('error[0]', 'already_started');
  });
});

const KEYS = ['a', 'b', Number.NaN];
const who = fc.nat(3);
const key = fc.constantFrom(...KEYS);
const value = fc.nat(2);
const STEPS = {
  register: fc.record({ do: fc.constant('register' as const), who, key, value }),
  unregister: fc.record({ do: fc.constant('unregister' as const), who, key }),
  unregisterMatch: fc.record({ do: fc.constant('unregisterMatch' as const), who, key, value }),
  update: fc.record({ do: fc.constant('update' as const), who, key, value }),
  die: fc.record({ do: fc.constant('die' as const), who }),
};
type Step = { [S in keyof typeof STEPS]: (typeof STEPS)[S] extends fc.Arbitrary<infer T> ? T : never }[keyof typeof STEPS];

/** The same registry as a plain list of what was entered and has not gone. */
class Model {
  entries: { readonly pid: Process; readonly key: unknown; value: number }[] = [];

  under = (key: unknown, pid?: Process): typeof this.entries => this.entries.filter((one) => Object.is(one.key, key) && (!pid || one.pid === pid));
  drop(gone: readonly unknown[]): void {
    this.entries = this.entries.filter((one) => !gone.includes(one));
  }
}

for (const kind of ['unique', 'duplicate'] as const) {
  describe(`A registry of ${kind} keys`, () => {
    /** Take one step on both, and compare what they answer. */
    const take = (registry: Registry<number>, model: Model, pid: Process, step: Step): void => {
      switch (step.do) {
        case 'register': {
          const holder = kind === 'unique' ? model.under(step.key)[0] : undefined;
          expect(registry.register(pid, step.key, step.value)).to.deep.equal(holder ? { error: ['already_registered', holder.pid] } : 'ok');
          if (!holder && pid.isAlive) model.entries.push({ pid, key: step.key, value: step.value });
          return;
        }
        case 'unregister':
          registry.unregister(pid, step.key);
          model.drop(model.under(step.key, pid));
          return;
        case 'unregisterMatch':
          registry.unregister(pid, step.key, (value) => value === step.value);
          model.drop(model.under(step.key, pid).filter((one) => one.value === step.value));
          return;
        case 'update': {
          if (kind === 'duplicate') return;
          const [own] = model.under(step.key, pid);
          expect(registry.updateValue(pid, step.key, () => step.value)).to.deep.equal(own && { now: step.value, before: own.value });
          if (own) own.value = step.value;
          return;
        }
        case 'die':
          pid.die('killed');
          model.drop(model.entries.filter((one) => one.pid === pid));
      }
    };
    const compare = (registry: Registry<number>, model: Model, pids: readonly Process[]): void => {
      const plainly = (entries: readonly Entry<number>[]): unknown[] => entries.map((one) => [one.pid.id, one.value]);
      for (const key of KEYS) {
        expect(plainly(registry.lookup(key))).to.deep.equal(plainly(model.under(key)));
        if (kind === 'unique') expect(registry.whereis(key)).to.equal(model.under(key)[0]?.pid);
      }
      expect(registry.count()).to.equal(model.entries.length);
      const sorted = (keys: readonly unknown[]): string[] => keys.map(String).sort();
      expect(sorted(registry.names())).to.deep.equal(sorted([...new Set(model.entries.map((one) => one.key))]));
      for (const pid of pids) {
        const own = model.entries.filter((one) => one.pid === pid);
        expect(sorted(registry.keys(pid))).to.deep.equal(sorted(own.map((one) => one.key)));
      }
    };

    it('holds what was registered, less what was unregistered and what its processes took along', () => {
      const history = (steps: readonly Step[]): void => {
        const registry = new Registry<number>(kind);
        const model = new Model();
        const pids = [0, 1, 2, 3].map(() => spawn(() => new Promise<void>(() => {})));
        try {
          for (const step of steps) {
            take(registry, model, pids[step.who] as Process, step);
            compare(registry, model, pids);
          }
        } finally {
          for (const pid of pids) pid.die('killed');
        }
      };
      fc.assert(fc.property(fc.array(fc.oneof(...Object.values(STEPS)), { maxLength: 30 }), history));
    });
  });
}
