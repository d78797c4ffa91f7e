// Rules that mean harm: refused when they are loaded, with place and reason, or bounded and counted when they are judged; and what is beside them goes on.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import type { Fields } from '../../../actors/event.ts';
import { evaluations } from '../../../actors/vitals.ts';
import { declare } from '../../../config/load.ts';
import { Root } from '../../support/actors.ts';
import { TestRule } from '../../support/rule.ts';

const EVENTS = 40;
/** One evaluation is at most 250,000 steps of some 50 ns, and the matching of a pattern at its worst 0.1 s; a machine may be four times as slow, or busy. */
const MOST_MS = 1_000;
/** What a plain evaluation beside it may take more in the middle. */
const MOST_MORE_MS = 100;

/** @param levels of this around 1. */
function nested(levels: number, around: (inner: unknown) => unknown): unknown {
  let json: unknown = 1;
  for (let i = 0; i < levels; i++) json = around(json);
  return json;
}

describe('hostile rules', () => {
  it('are refused when they are loaded, each with its place and the reason, beside a plain one that has no fault', () => {
    const conditions: readonly (readonly [condition: unknown, at: RegExp, reason: RegExp])[] = [
      ['m.value > 1', /^$/, /^$/],
      [nested(200, (inner) => ({ not: inner })), /^\/rules\/1\/condition(\/not){64}$/, /at most 64 levels/],
      [nested(200, (inner) => [inner]), /^\/rules\/2\/condition/, /levels|a condition/],
      [`${'('.repeat(10_000)}m.value > 1${')'.repeat(10_000)}`, /^\/rules\/3\/condition$/, /levels.*line 1, column/],
      [{ field: 'm.value', op: 'matches', value: '(?=(a+))\\1' }, /^\/rules\/4\/condition\/value$/, /RE2/],
      [{ field: 'm.value', op: 'matches', value: 'x'.repeat(2_000) }, /^\/rules\/5\/condition\/value$/, /1024 characters/],
      [{ field: 'm.value', op: '==', value: 'x'.repeat(100_000) }, /^\/rules\/6\/condition\/value$/, /65536 characters/],
      [{ field: 'm.value', op: 'in', value: 'a text' }, /^\/rules\/7\/condition\/value$/, /a list/],
      [{ field: 'm.value', op: '>', value: [1] }, /^\/rules\/8\/condition\/value$/, /a number or a text/],
      [{ or: Array.from({ length: 20_000 }, () => 'm.x') }, /^\/rules\/9\/condition\/or\/\d+$/, /10000 parts/],
      ['rule.r11.firing', /^\/rules\/10\/condition$/, /circle/],
      ['rule.r10.firing', /^$/, /^$/],
    ];
    const began = performance.now();
    const faults = faultsOf(JSON.stringify(configOf(conditions.map(([condition]) => condition))));
    const ms = performance.now() - began;
    console.log(`        ${conditions.length} rules, refused in ${ms.toFixed(0)} ms`);
    for (const [i, [, at, reason]] of conditions.entries()) {
      const own = faults.filter(({ pointer }) => pointer.startsWith(`/rules/${i}/`));
      if (at.source === '^$') expect(own, `rule ${i}`).to.deep.equal([]);
      else
        expect(
          own.some(({ pointer, expected }) => at.test(pointer) && reason.test(expected)),
          `rule ${i}: ${JSON.stringify(own[0])}`,
        ).to.equal(true);
    }
    expect(ms, 'the load').to.be.below(5_000);
  });

  it('of 10,000 levels are refused before anything is made of them', () => {
    const deep = `${'{"not":'.repeat(10_000)}true${'}'.repeat(10_000)}`;
    const began = performance.now();
    const faults = faultsOf(JSON.stringify(configOf(['m.value > 1', 'HERE'])).replace('"HERE"', deep));
    console.log(`        refused in ${(performance.now() - began).toFixed(0)} ms: ${faults[0]?.file}, line ${faults[0]?.line}, column ${faults[0]?.column}`);
    expect(faults.map(({ expected }) => expected)).to.deep.equal(['JSON of at most 256 levels']);
    expect(faults[0]?.column).to.be.above(1_000);
    expect(performance.now() - began).to.be.below(5_000);
  });

  describe('that pass', () => {
    let root: Root;
    let plain: TestRule;
    let hostile: TestRule;
    beforeEach(async () => {
      root = new Root();
      [plain, hostile] = [new TestRule(root), new TestRule(root)];
      for (const one of [plain, hostile]) {
        one.commit = async () => {};
        await one.store.start();
      }
      await plain.start({ mode: 'event' });
    });
    afterEach(() => root.end());

    const counted = async (result: string): Promise<number> =>
      (await evaluations.get()).values
        .filter(({ labels }) => Object.entries(labels).some(([label, value]) => label === 'result' && value === result))
        .reduce((sum, { value }) => sum + value, 0);

    /** How long the plain rule takes for each event, when the other one has been sent this just before. */
    async function latencies(beside?: Fields): Promise<readonly number[]> {
      const all: number[] = [];
      for (let i = 0; i < EVENTS; i++) {
        const due = plain.due.length;
        const began = performance.now();
        if (beside) void hostile.publish({ ...beside, i });
        void plain.publish({ t: 99, i });
        while (plain.due.length === due) await turn();
        all.push(performance.now() - began);
      }
      return all.sort((a, b) => a - b);
    }

    const list = Array.from({ length: 2_000 }, (_, i) => i);
    const loop = { reduce: [{ field: 'boiler.list' }, { '+': [1, { var: 'accumulator' }] }, 0] };
    const kinds: readonly (readonly [title: string, condition: unknown, fields: Fields, counts: 'error' | 'unknown' | 'false'])[] = [
      ['loops within loops within loops', { map: [{ var: 'boiler.list' }, { map: [{ field: 'boiler.list' }, loop] }] }, { list }, 'error'],
      ['a text that doubles', { reduce: [{ var: 'boiler.list' }, { cat: [{ var: 'accumulator' }, { var: 'accumulator' }] }, 'ab'] }, { list }, 'error'],
      ['numbers of what is none', { '>': [{ '+': [{ var: 'boiler.text' }, 1] }, 1] }, { text: 'a' }, 'error'],
      ['a pattern that explodes elsewhere', { field: 'boiler.text', op: 'matches', value: '^(a+)+$' }, { text: `${'a'.repeat(60_000)}!` }, 'false'],
      ['a pattern at its worst', { field: 'boiler.text', op: 'matches', value: '(a|b)*a(a|b){20}[cd]' }, { text: noise(10_000) }, 'false'],
      ['a text of a million characters', { field: 'boiler.text', op: 'matches', value: 'needle' }, { text: 'x'.repeat(1_000_000) }, 'unknown'],
      ['a value of 100,000 levels', { field: 'boiler.deep', op: '==', value: [[1]] }, { deep: nested(100_000, (inner) => [inner]) }, 'false'],
    ];
    for (const [title, condition, fields, counts] of kinds)
      it(`are bounded and counted, and hold up what is beside them by no more than one evaluation: ${title}`, async () => {
        await hostile.start({ condition, mode: 'event' });
        await latencies();
        const alone = await latencies();
        const before = await counted(counts);
        const beside = await latencies(fields);
        await hostile.status();
        const ms = (all: readonly number[], q: number): number => all[Math.floor(q * (all.length - 1))] ?? Number.NaN;
        console.log(
          `        plain alone p50 ${ms(alone, 0.5).toFixed(2)} ms, beside it p50 ${ms(beside, 0.5).toFixed(2)}, at the most ${ms(beside, 1).toFixed(2)} ms`,
        );
        expect((await counted(counts)) - before, `counted as ${counts}`).to.equal(EVENTS);
        expect(ms(beside, 0.5) - ms(alone, 0.5), 'in the middle').to.be.below(MOST_MORE_MS);
        expect(ms(beside, 1), 'at the most').to.be.below(MOST_MS);
      });
  });
});

const configOf = (conditions: readonly unknown[]): object => ({
  monitors: { single: [{ name: 'm', type: 'push', config: {} }] },
  actions: { single: [{ name: 'a', type: 'log', config: {} }] },
  rules: conditions.map((condition, i) => ({ name: `r${i}`, condition, actions: ['a'] })),
});
const faultsOf = (text: string): ReturnType<typeof declare>['faults'] =>
  declare({ sources: [{ file: 'argos.jsonc', text }], overlay: [], environment: undefined }, {}).faults;

/** A text of a and b as it comes. */
function noise(length: number): string {
  let seed = 1;
  return Array.from({ length }, () => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    return seed % 2 === 0 ? 'a' : 'b';
  }).join('');
}
