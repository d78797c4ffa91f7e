// What a rule keeps: that which is evaluated, and not the tree, which is made anew from the configuration for whoever asks.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { explain } from '../../../actors/rules/condition/explain.ts';
import { factsOf } from '../../../actors/rules/condition/facts.ts';
import { type Program, programOf } from '../../../actors/rules/program.ts';
import { ruleSchema } from '../../../actors/rules/schema.ts';
import { configOf } from '../../support/actors.ts';

const COUNT = 3_000;
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
function collected(): number {
  for (let i = 0; i < 3; i++) gc();
  return process.memoryUsage().heapUsed;
}

const config = (i: number) => {
  const leaf = (n: number, op: string, value: unknown): object => ({ field: `m${i % 100}.payload.own_${i}_${n}`, op, value });
  const condition = { or: [{ and: [leaf(0, '>', 80.5 + i), leaf(1, '<', 0.25 + i)] }, { and: [leaf(2, '==', `unit-${i}`), leaf(3, '>=', 10.5 + i)] }] };
  return configOf(ruleSchema, { name: `r${i}`, condition, actions: ['a'] });
};

describe('a compiled rule', () => {
  it('of four comparisons, each of a field of its own, takes less than 2 KB', () => {
    const configs = Array.from({ length: COUNT }, (_, i) => config(i));
    const warm = configs.map((one) => programOf(one, []));
    const before = collected();
    const programs = configs.map((one) => programOf(one, []));
    const bytes = (collected() - before) / COUNT;
    console.log(`      ${bytes.toFixed(0)} bytes`);
    expect(bytes).to.be.within(500, 2_048);
    expect(warm.length + programs.length).to.equal(2 * COUNT); // and they are still there
  });

  it('says what it is and why as long as it lives, though it keeps no tree', () => {
    const program: Program = programOf(config(7), []);
    const { identity } = program;
    const facts = factsOf({ m7: { payload: { own_7_0: 90, own_7_1: 0 } } });
    const [tree, explained] = [new WeakRef(program.condition.tree), explain(program.condition.tree, facts)];
    expect(program.condition.tree).to.equal(tree.deref()); // as long as nothing is collected
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      collected();
      expect(explain(program.condition.tree, facts)).to.deep.equal(explained);
      expect(program.identity).to.deep.equal(identity);
      expect(program.condition.holds(facts)).to.equal(true);
    });
  });
});
