/** What is refused before anything starts: flags and child specs that make no sense, by the name of the fault and the value that is at fault. */
import { expect } from 'chai';
import fc from 'fast-check';
import { stopServer } from '../../lib/call.ts';
import { type ChildSpec, refuseChild } from '../../lib/child-spec.ts';
import { countDynamicChildren, type DynamicFlags, startDynamicChild, startDynamicSupervisor } from '../../lib/dynamic-supervisor.ts';
import type { Process } from '../../lib/process.ts';
import { started } from '../../lib/start.ts';
import { type Flags, getChildspec, startChild, startSupervisor, type SupervisorSpec, whichChildren } from '../../lib/supervisor.ts';
import { startTask, startTaskSupervisor } from '../../lib/task.ts';
import { drain, inProcess } from './elixir.ts';
import { tryLink } from './server.ts';

/** What a field may be, and the name of the fault when it is anything else. */
interface Rule {
  readonly fault: string;
  readonly fits: (value: unknown) => boolean;
  readonly good: readonly unknown[];
}
const words = (fault: string, ...good: readonly unknown[]): Rule => ({ fault, fits: (value) => good.includes(value), good });
const isNumber = (fault: string, least: number, ...good: readonly unknown[]): Rule => ({
  fault,
  fits: (value) => good.includes(value) || (Number.isInteger(value) && Number(value) >= least),
  good: [least, least + 1, 2 ** 40, ...good],
});

const INTENSITY = isNumber('invalid_intensity', 0);
const PERIOD = isNumber('invalid_period', 1);
const FLAGS: Readonly<Record<keyof Flags, Rule>> = {
  strategy: words('invalid_strategy', 'one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'),
  intensity: INTENSITY,
  period: PERIOD,
  autoShutdown: words('invalid_auto_shutdown', 'never', 'any_significant', 'all_significant'),
};
const DYNAMIC: Readonly<Record<keyof DynamicFlags, Rule>> = {
  maxRestarts: INTENSITY,
  maxSeconds: PERIOD,
  maxChildren: isNumber('invalid_max_children', 0, Number.POSITIVE_INFINITY),
  extraArguments: { fault: 'invalid_extra_arguments', fits: Array.isArray, good: [[], ['extra']] },
};
/** `id` may be anything. */
const SPEC: Readonly<Record<Exclude<keyof ChildSpec, 'id'>, Rule>> = {
  start: { fault: 'invalid_mfa', fits: (value) => typeof value === 'function', good: [() => 'ignore'] },
  restart: words('invalid_restart_type', 'permanent', 'transient', 'temporary'),
  significant: words('invalid_significant', false, true),
  type: words('invalid_child_type', 'worker', 'supervisor'),
  shutdown: isNumber('invalid_shutdown', 0, 'infinity', 'brutal_kill'),
};

/** Anything but what fits; undefined is not there, so its default holds. */
const wrong = ({ fits }: Rule): fc.Arbitrary<unknown> =>
  fc
    .oneof(
      fc.constantFrom<unknown>(null, '', 'x', '1', Number.NaN, -1, 0, 1.5, Number.POSITIVE_INFINITY, true, 5n, Symbol('s'), [], {}, () => 'ignore'),
      fc.anything(),
    )
    .filter((value) => value !== undefined && !fits(value));

const expectRefusal = (error: unknown, { fault }: Rule, value: unknown): void => {
  expect(error).to.be.an('array').with.lengthOf(2);
  const [name, at] = error as readonly [unknown, unknown];
  expect(name).to.equal(fault);
  expect(Object.is(at, value), 'the value itself').to.equal(true);
};
const errorOf = (result: unknown): unknown =>
  typeof result === 'object' && result !== null && 'error' in result ? result.error : expect.fail('it was not refused');

/** A child that counts its starts. */
class Counting {
  starts = 0;
  readonly spec: ChildSpec = {
    id: 'good',
    start: (parent) => {
      this.starts++;
      return tryLink(parent, {});
    },
  };
}
/** What runs of all that it has started with a link. */
const running = (self: Process): readonly Process[] => self.links.filter(({ isAlive }) => isAlive);
/** A spec with one field made wrong, as somebody who writes no TypeScript may write it. */
const specWith = (change: Readonly<Record<string, unknown>>): ChildSpec => ({ id: 'bad', start: () => 'ignore', restart: 'transient', ...change }) as ChildSpec;

const table = <R extends Readonly<Record<string, Rule>>>(rules: R): readonly (readonly [string, Rule])[] => Object.entries(rules);

describe('A supervisor', () => {
  const start = (self: Process, flags: unknown, children: unknown): ReturnType<typeof startSupervisor> =>
    startSupervisor(self, { flags, children } as unknown as SupervisorSpec);

  for (const [flag, rule] of table(FLAGS)) {
    it(`refuses any ${flag} that is none, names it, and starts nothing`, async () => {
      await inProcess(async (self) => {
        self.trapExit = true;
        const child = new Counting();
        await fc.assert(
          fc.asyncProperty(wrong(rule), async (value) => {
            const [data, refusal] = errorOf(await start(self, { [flag]: value }, [child.spec])) as readonly [unknown, unknown];
            expect(data).to.equal('supervisor_data');
            expectRefusal(refusal, rule, value);
          }),
        );
        expect([child.starts, running(self)]).to.deep.equal([0, []]);
      });
    });
  }

  it('takes every flag that is one, and its default for one that is not there', async () => {
    await inProcess(async (self) => {
      for (const [flag, { good }] of table(FLAGS))
        for (const value of [undefined, ...good]) started(await start(self, { [flag]: value }, [{ ...new Counting().spec, restart: 'temporary' }]));
    });
  });

  it('refuses flags that are no object, and children that are no list', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      for (const value of [undefined, null, 'x', 5]) {
        expect(await start(self, value, [])).to.deep.equal({ error: ['supervisor_data', ['invalid_type', value]] });
        expect(await start(self, {}, value)).to.deep.equal({ error: ['bad_start_spec', value] });
      }
      for (const spec of [undefined, null, 'x', {}])
        expect(await startSupervisor(self, (() => spec) as unknown as SupervisorSpec)).to.deep.equal({ error: ['bad_return', spec] });
    });
  });

  it('looks at its flags before its children, and at both in the order of OTP', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      const flags = { strategy: 1, intensity: 2.5, period: 0, autoShutdown: 4 };
      const first: unknown[] = [];
      const right = { strategy: 'one_for_one', intensity: 1, period: 1, autoShutdown: 'never' };
      for (const flag of Object.keys(flags)) {
        const [, [fault]] = errorOf(await start(self, { ...flags }, [{}])) as [unknown, [unknown]];
        first.push(fault);
        Object.assign(flags, { [flag]: right[flag as keyof typeof right] });
      }
      first.push(errorOf(await start(self, flags, [{}])));
      expect(first).to.deep.equal([...table(FLAGS).map(([, { fault }]) => fault), ['start_spec', 'missing_id']]);
    });
  });

  it('starts no child when one of them is wrong, though that is the last; and says which fault is the first', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      const child = new Counting();
      const refused = async (...specs: readonly unknown[]): Promise<unknown> => errorOf(await start(self, {}, [child.spec, ...specs]));
      expect(await refused(specWith({ restart: 'sometimes' }), specWith({ type: 'robot' }))).to.deep.equal([
        'start_spec',
        ['invalid_restart_type', 'sometimes'],
      ]);
      expect(await refused(child.spec)).to.deep.equal(['start_spec', ['duplicate_child_name', 'good']]);
      expect(await refused({ ...child.spec, shutdown: -1 })).to.deep.equal(['start_spec', ['invalid_shutdown', -1]]); // before it is a duplicate
      expect([child.starts, running(self)]).to.deep.equal([0, []]);
    });
  });

  it('of simple_one_for_one wants one spec, and a good one', async () => {
    await inProcess(async (self) => {
      self.trapExit = true;
      const simple = (children: readonly unknown[]): ReturnType<typeof startSupervisor> => start(self, { strategy: 'simple_one_for_one' }, children);
      const { spec } = new Counting();
      for (const children of [[], [spec, spec]]) expect(await simple(children)).to.deep.equal({ error: ['bad_start_spec', children] });
      expect(await simple([undefined])).to.deep.equal({ error: ['start_spec', ['invalid_child_spec', undefined]] });
      expect(await simple([specWith({ shutdown: 1.5 })])).to.deep.equal({ error: ['start_spec', ['invalid_shutdown', 1.5]] });
    });
  });
});

describe('A dynamic supervisor', () => {
  for (const [flag, rule] of table(DYNAMIC)) {
    it(`refuses any ${flag} that is none, and names it`, async () => {
      await inProcess(async (self) => {
        self.trapExit = true;
        const property = fc.asyncProperty(wrong(rule), async (value) => {
          for (const startIt of [startDynamicSupervisor, startTaskSupervisor]) {
            const [data, refusal] = errorOf(await startIt(self, { [flag]: value } as DynamicFlags)) as readonly [unknown, unknown];
            expect(data).to.equal('supervisor_data');
            expectRefusal(refusal, rule, value);
          }
        });
        await fc.assert(property);
        expect(running(self)).to.deep.equal([]);
      });
    });
  }

  it('takes every flag that is one, and its default for one that is not there', async () => {
    await inProcess(async (self) => {
      for (const [flag, { good }] of table(DYNAMIC))
        for (const value of [undefined, ...good]) started(await startDynamicSupervisor(self, { [flag]: value } as DynamicFlags));
    });
  });
});

describe('A child spec', () => {
  /** Every way by which a spec comes to a supervisor that is running: what it answers, and that nothing has come of it. */
  const refusals = async (self: Process, spec: ChildSpec): Promise<readonly unknown[]> => {
    const sup = started(await startSupervisor(self, { flags: {}, children: [] }));
    const dynamic = started(await startDynamicSupervisor(self));
    const answers = [errorOf(await startChild(sup, spec)), errorOf(await startDynamicChild(dynamic, spec))];
    expect([await whichChildren(sup), (await countDynamicChildren(dynamic)).specs]).to.deep.equal([[], 0]);
    for (const pid of [sup, dynamic]) await stopServer(pid);
    return answers;
  };

  for (const [field, rule] of table(SPEC)) {
    it(`is refused for any ${field} that is none, by name and value`, async () => {
      await inProcess(async (self) => {
        const property = fc.asyncProperty(wrong(rule), async (value) => {
          const child = new Counting();
          for (const error of await refusals(self, specWith({ start: child.spec.start, [field]: value }))) expectRefusal(error, rule, value);
          expect(child.starts).to.equal(0);
        });
        await fc.assert(property, { numRuns: 50 });
      });
    });
  }

  it('is good with every value that a field may have, and without any but id and start', () => {
    for (const [field, { good }] of table(SPEC))
      for (const value of [undefined, ...good])
        if (field !== 'start' || value !== undefined)
          expect(refuseChild(specWith({ [field]: value }), 'any_significant'), `${field} ${String(value)}`).to.equal(undefined);
  });

  it('is refused when it is no object, or has no id or no start, also one that is undefined', async () => {
    await inProcess(async (self) => {
      for (const spec of [undefined, null, 'x', 5, [], () => {}])
        expect(await refusals(self, spec as unknown as ChildSpec)).to.deep.equal([
          ['invalid_child_spec', spec],
          ['invalid_child_spec', spec],
        ]);
      for (const id of [{}, { id: undefined }])
        expect(await refusals(self, { start: () => 'ignore', ...id } as ChildSpec)).to.deep.equal(['missing_id', 'missing_id']);
      for (const start of [{}, { start: undefined }])
        expect(await refusals(self, { id: 'x', ...start } as ChildSpec)).to.deep.equal(['missing_start', 'missing_start']);
    });
  });

  it('is answered with its defaults filled in, also for fields that are undefined', async () => {
    await inProcess(async (self) => {
      const { start } = new Counting().spec;
      for (const [type, shutdown] of [
        ['worker', 5_000],
        ['supervisor', 'infinity'],
      ] as const) {
        const full = { id: 'x', start, restart: 'permanent', type, shutdown, significant: false };
        for (const more of [{}, { restart: undefined, shutdown: undefined, significant: undefined }]) {
          const sup = started(await startSupervisor(self, { flags: {}, children: [{ id: 'x', start, type, ...more } as ChildSpec] }));
          expect(await getChildspec(sup, 'x')).to.deep.equal({ ok: full });
        }
      }
    });
  });

  it('may have any id, and a supervisor tells apart what Erlang does: two tuples that hold the same are one', async () => {
    const ids = [
      0,
      '',
      null,
      false,
      Number.NaN,
      Symbol('s'),
      {},
      [],
      { a: 1 },
      ['a', 1],
      [['a'], 1],
      '["a",1]',
      '\0["a",1]',
      () => {},
      () => {},
      [Counting],
      [undefined],
    ];
    const listed = await inProcess(async (self) => {
      const sup = started(await startSupervisor(self, { flags: {}, children: ids.map((id) => ({ ...new Counting().spec, id })) }));
      const again = await startChild(sup, { ...new Counting().spec, id: Number.NaN });
      expect(errorOf(again)).to.be.an('array').with.property('0', 'already_started');
      for (const id of [{}, [], { a: 1 }, ['a', 1], [['a'], 1], [Counting]]) {
        expect(errorOf(await startChild(sup, { ...new Counting().spec, id }))).to.have.property('0', 'already_started');
        expect(await getChildspec(sup, id)).to.have.property('ok');
      }
      return (await whichChildren(sup)).map(({ id }) => id).toReversed();
    });
    expect(listed).to.have.lengthOf(ids.length);
    for (const [i, id] of ids.entries()) expect(Object.is(listed[i], id)).to.equal(true);
  });

  it('may be significant only if it is not permanent and its supervisor minds', () => {
    const combination = (restart: string, autoShutdown: 'never' | 'any_significant' | 'all_significant'): unknown =>
      refuseChild(specWith({ restart, significant: true }), autoShutdown);
    const never = [
      'bad_combination',
      [
        ['auto_shutdown', 'never'],
        ['significant', true],
      ],
    ];
    const permanent = [
      'bad_combination',
      [
        ['restart', 'permanent'],
        ['significant', true],
      ],
    ];
    expect(['permanent', 'transient', 'temporary'].map((restart) => combination(restart, 'never'))).to.deep.equal([never, never, never]);
    for (const autoShutdown of ['any_significant', 'all_significant'] as const)
      expect(['permanent', 'transient', 'temporary'].map((restart) => combination(restart, autoShutdown))).to.deep.equal([permanent, undefined, undefined]);
  });

  it('of a task is refused for its restart, and the work is not done', async () => {
    await inProcess(async (self) => {
      const sup = started(await startTaskSupervisor(self));
      const property = fc.asyncProperty(wrong(SPEC.restart), async (value) => {
        expectRefusal(errorOf(await startTask(sup, () => self.deliver('done'), value as 'temporary')), SPEC.restart, value);
      });
      await fc.assert(property);
      expect([await countDynamicChildren(sup), await drain(self)]).to.deep.equal([{ specs: 0, active: 0, supervisors: 0, workers: 0 }, []]);
    });
  });
});
