// Custom functions in a rule: asked together before the verdict, and unknown when they have no answer.
import { expect } from 'chai';
import fc from 'fast-check';
import { Answers } from '../../../actors/rules/condition/answers.ts';
import { compile } from '../../../actors/rules/condition/compile.ts';
import { parseLogic } from '../../../actors/rules/condition/condition.ts';
import { type Facts, factsOf } from '../../../actors/rules/condition/facts.ts';
import { Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';
import { TestRule } from '../../support/rule.ts';

const FUNCTIONS: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
  twice: (x) => (typeof x === 'number' ? 2 * x : undefined),
  both: (a, b) => [a, b],
  odd: (x) => Number(x) % 2 === 1,
};

describe('custom functions in a condition', () => {
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.integer({ min: -2, max: 5 }),
      fc.constantFrom(null, true, { var: '' }, { var: 'x' }, { field: 'x.y' }, { var: 'list' }),
      fc.tuple(fc.constantFrom('twice', 'odd'), tie('tree')).map(([name, of]) => ({ [name]: [of] })),
      fc.tuple(fc.constantFrom('both', 'and', 'or', '===', 'cat'), tie('tree'), tie('tree')).map(([name, ...of]) => ({ [name]: of })),
      fc.tuple(fc.constantFrom('map', 'filter', 'all', 'some'), tie('tree')).map(([name, of]) => ({ [name]: [{ var: 'list' }, of] })),
      fc.tuple(tie('tree'), tie('tree'), tie('tree')).map((of) => ({ if: of })),
    ),
  }));
  const outcome = (evaluate: () => unknown): unknown => {
    try {
      return { value: evaluate() };
    } catch (error) {
      return { error: String(error) };
    }
  };

  it('come to what they would if they answered on the spot, within as many rounds as there are calls', () => {
    let most = 0;
    fc.assert(
      fc.property(tree, fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), (json, list) => {
        const parsed = parseLogic(json, {}, '', Object.keys(FUNCTIONS));
        if (!('condition' in parsed)) return;
        const holds = compile(parsed.condition);
        const data = { x: 1, list };
        const direct: Facts = { ...factsOf(data), call: (name, args) => FUNCTIONS[name]?.(...args) };
        const answers = new Answers();
        const asked: Facts = { ...factsOf(data), call: (name, args) => answers.of(name, args) };
        let rounds = 0;
        for (;;) {
          outcome(() => holds(asked));
          const open = answers.take();
          if (open.length === 0) break;
          expect(++rounds).to.be.at.most(100);
          for (const { name, args, answer } of open) answer(FUNCTIONS[name]?.(...args));
        }
        most = Math.max(most, rounds);
        expect(outcome(() => holds(asked))).to.deep.equal(outcome(() => holds(direct)));
      }),
      { numRuns: process.env.ARGOS_LONG ? 20_000 : 2_000 },
    );
    expect(most).to.be.above(2);
  });

  it('are asked once for the same arguments, and never again for what has no answer', () => {
    const answers = new Answers();
    expect([answers.of('f', [1]), answers.of('f', [1]), answers.of('f', [2]), answers.of('g', [1])]).to.deep.equal([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const open = answers.take();
    expect(open.map(({ name, args }) => [name, ...args])).to.deep.equal([
      ['f', 1],
      ['f', 2],
      ['g', 1],
    ]);
    open[0]?.answer(null);
    expect([answers.of('f', [1]), answers.of('f', [2])]).to.deep.equal([null, undefined]);
    expect(answers.take()).to.deep.equal([]);
  });
});

describe('a rule that calls custom functions', () => {
  let root: Root;
  let rule: TestRule;
  beforeEach(async () => {
    root = new Root();
    rule = new TestRule(root);
    await rule.store.start();
  });
  afterEach(() => root.end());

  it('fires by what they answer, and is explained with it', async () => {
    const asked: string[] = [];
    rule.call = async (name, args) => {
      asked.push(`${name}(${args.join()})`);
      return FUNCTIONS[name]?.(...args);
    };
    await rule.start({ condition: 'twice(twice(boiler.t)) > 30 and odd(boiler.n)', clear_when: 'twice(boiler.n) < 5' });
    expect(await rule.see({ t: 8, n: 2 })).to.equal('inactive');
    expect(asked).to.deep.equal(['twice(8)', 'odd(2)', 'twice(16)']);
    expect(await rule.see({ t: 8, n: 3 })).to.equal('firing');
    expect(JSON.stringify((await rule.status()).explanation)).to.include('"value":32');
    asked.length = 0;
    expect(await rule.see({ t: 4, n: 3 })).to.equal('firing');
    expect(asked).to.deep.equal(['twice(4)', 'odd(3)', 'twice(3)', 'twice(8)']); // for both conditions at once
    expect(await rule.see({ t: 1, n: 2 })).to.equal('inactive');
    expect(rule.told).to.deep.equal(['mail#1', 'calm#1']);
  });

  it('knows nothing where one has no answer: it neither fires nor ends', async () => {
    let answers = true;
    rule.call = async (_name, [t]) => (answers ? Number(t) > 5 : undefined);
    await rule.start({ condition: 'hot(boiler.t)' });
    expect(await rule.see({ t: 6 })).to.equal('firing');
    answers = false;
    expect(await rule.see({ t: 1 })).to.equal('firing');
    expect(JSON.stringify((await rule.status()).explanation)).to.include('no answer of the function');
    answers = true;
    expect(await rule.see({ t: 2 })).to.equal('inactive');
  });

  it('is judged by time as by events', async () => {
    rule.call = async (_name, [age]) => Number(age) > 0.2;
    await rule.start({ condition: 'old(age(boiler.t, 1m))' });
    expect(await rule.see({ t: 6 })).to.equal('inactive');
    while ((await rule.status()).phase !== 'firing') await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it('waits for slow ones no longer than is fair to those that send to it', async () => {
    let calls = 0;
    rule.call = (_name, [t]) => new Promise((resolve) => setTimeout(resolve, ++calls > 0 ? 50 : 0, Number(t) > 0));
    await rule.start({ condition: 'slow(boiler.t)' });
    const observations = Array.from({ length: 1_000 }, (_, t) => ({ atMs: Date.now(), fields: { t: 999 - t } }));
    await rule.feed.publish({ monitor: 'boiler', observations });
    expect((await rule.status()).phase).to.equal('firing'); // the first ones had their answers
    expect(calls).to.be.within(1, 10);
    await eventually(async () => expect((await rule.status()).phase).to.equal('inactive')); // and the last one, when it looked again
    expect(calls).to.be.within(2, 11);
  });
});
