/**
 * Evaluations a second of conditions, beside npm json-logic-js and json-rules-engine on the same ones. What a rule is judged on is as in the rule: one monitor's event at hand, the others' states in a map.
 */
import { type ConditionProperties, Engine } from 'json-rules-engine';
import { compile, type Facts, truthOf } from '../../actors/rules/condition/compile.ts';
import { parseCondition } from '../../actors/rules/condition/condition.ts';
import type { Fields } from '../../actors/event.ts';
import { machine, median, table } from '../support.ts';

const RUNS = 7;
const RUN_MS = 300;

/** A thousand and twenty-four events: of each comparison some hold. */
const EVENTS: readonly { readonly m: Fields }[] = Array.from({ length: 1_024 }, (_, i) => ({
  m: {
    service: `svc-${String(i % 100).padStart(2, '0')}`,
    payload: { temperature: (i * 7_919) % 100, humidity: (i * 104_729) % 60, error_rate: ((i * 31) % 100) / 100 },
    items: [{ n: i % 7 }, { n: i % 11 }, { n: 3 }],
  },
}));
const OTHERS = new Map(Array.from({ length: 1_000 }, (_, i) => [`other_${i}`, { last: { fields: { x: i } } }]));
const FACTS: readonly Facts[] = EVENTS.map(({ m }) => ({
  now: (name) => (name === 'm' ? m : OTHERS.get(name)?.last.fields),
  before: () => undefined,
  window: (index) => 20 + index,
  whole: () => ({ m }),
  call: () => undefined,
}));

const field = (name: string, op: string, value: unknown): object => ({ field: `m.${name}`, op, value });
const of = (name: string): object => ({ var: `m.${name}` });
const LEAVES = {
  or: [
    { and: [field('payload.temperature', '>', 80), field('payload.humidity', '<', 20)] },
    { and: [field('service', '==', 'svc-07'), field('payload.error_rate', '>=', 0.5)] },
  ],
};
/** All four are evaluated. */
const EVERY = {
  and: [field('payload.temperature', '>=', 0), field('payload.humidity', '<', 100), field('service', '!=', 'x'), field('payload.error_rate', '<=', 1)],
};
const LOGIC = {
  or: [
    { and: [{ '>': [of('payload.temperature'), 80] }, { '<': [of('payload.humidity'), 20] }] },
    { and: [{ '==': [of('service'), 'svc-07'] }, { '>=': [of('payload.error_rate'), 0.5] }] },
  ],
};
const WINDOW = { '>': [{ avg: ['m.payload.temperature', '5m'] }, { '*': [{ var: 'parameters.limit' }, 2] }] };
const SOME = { some: [of('items'), { '>': [{ var: 'n' }, 5] }] };

/** What this process has used: the machine may be shared. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** @param one evaluates the event of that number. @returns evaluations a second, the median of some runs. */
function measure(one: (event: number) => unknown): number {
  let hits = 0;
  const runs = Array.from({ length: RUNS + 2 }, () => {
    const began = cpuMs();
    let count = 0;
    while (cpuMs() - began < RUN_MS) {
      for (let i = 0; i < 16_384; i++) if (one(i % 1_024)) hits++;
      count += 16_384;
    }
    return count / ((cpuMs() - began) / 1_000);
  });
  if (hits < 0) throw new Error('never'); // so that the work is not left out
  return median(runs.slice(2));
}

function argos(condition: unknown): number {
  const parsed = parseCondition(condition, { limit: 15 });
  if (!('condition' in parsed)) throw new Error(JSON.stringify(parsed.faults));
  const holds = compile(parsed.condition);
  return measure((i) => {
    const facts = FACTS[i];
    return facts && truthOf(holds(facts)) === true;
  });
}

/** It has no types of its own. */
interface JsonLogic {
  readonly default: { apply(logic: unknown, data: unknown): unknown };
}
const jsonLogic = (await import('json-logic-js' as string)) as JsonLogic; // its shape is what its documentation says
const logicJs = (condition: unknown): number => measure((i) => jsonLogic.default.apply(condition, EVENTS[i]));

/** The same four comparisons in its own form. It answers by promises, so its runs are counted one after another. */
async function rulesEngine(): Promise<number> {
  const engine = new Engine();
  const fact = (path: string, operator: string, value: unknown): ConditionProperties => ({ fact: 'm', path: `$.${path}`, operator, value });
  const conditions = {
    any: [
      { all: [fact('payload.temperature', 'greaterThan', 80), fact('payload.humidity', 'lessThan', 20)] },
      { all: [fact('service', 'equal', 'svc-07'), fact('payload.error_rate', 'greaterThanInclusive', 0.5)] },
    ],
  };
  engine.addRule({ conditions, event: { type: 'hit' } });
  const rates: number[] = [];
  for (let run = 0; run < RUNS + 2; run++) {
    const began = cpuMs();
    let count = 0;
    for (; cpuMs() - began < RUN_MS; count++) await engine.run(EVENTS[count % 1_024] ?? {});
    rates.push(count / ((cpuMs() - began) / 1_000));
  }
  return median(rates.slice(2));
}

const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString('en')}/s`;
console.log(`Measured on ${machine()}: medians of ${RUNS} runs of ${RUN_MS} ms of CPU, after two of warming; a second is one of CPU.\n`);
console.log(
  table(
    ['condition', 'Argos', 'json-logic-js', 'json-rules-engine'],
    [
      ['four comparisons, leaves, as many as needed', rate(argos(LEAVES)), '', rate(await rulesEngine())],
      ['four comparisons, leaves, all evaluated', rate(argos(EVERY)), '', ''],
      ['the first, as JsonLogic', rate(argos(LOGIC)), rate(logicJs(LOGIC)), ''],
      ['a window and arithmetic on a parameter', rate(argos(WINDOW)), '', ''],
      ['some of three elements', rate(argos(SOME)), rate(logicJs(SOME)), ''],
    ],
  ),
);
