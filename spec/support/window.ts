/** Windows as they ought to be answered: samples in a list, asked naively; and arbitrary ones, late, doubled and of every kind. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { WindowFunction } from '../../actors/rules/windows/windows.ts';
import { quantile } from './history.ts';

export interface Sample {
  readonly tsMs: number;
  readonly value: unknown;
}

const ANY_VALUE: readonly WindowFunction[] = ['count', 'first', 'last', 'age', 'changed'];

/** What of it counts for the function. */
export const counts = (fn: WindowFunction, value: unknown): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || (ANY_VALUE.includes(fn) && value !== undefined);

/** The samples after `fromMs` up to `toMs` in the order of time; those of one instant as they came. */
export const within = (fn: WindowFunction, samples: readonly Sample[], fromMs: number, toMs: number): Sample[] =>
  samples.filter(({ tsMs, value }) => tsMs > fromMs && tsMs <= toMs && counts(fn, value)).sort((a, b) => a.tsMs - b.tsMs);

/** So that nothing overflows on the way. */
const SCALE = 2 ** 100;
const clamped = (value: number): number => Math.max(-Number.MAX_VALUE, Math.min(value, Number.MAX_VALUE));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** @param samples those of the window, in order. */
export function naive(fn: WindowFunction, samples: readonly Sample[], nowMs: number, lengthMs: number, p = 50): unknown {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return undefined;
  const values = samples.map(({ value }) => Number(value));
  const small = values.map((value) => value / SCALE);
  const mean = sum(small) / small.length;
  switch (fn) {
    case 'count':
      return samples.length;
    case 'first':
      return first.value;
    case 'last':
      return last.value;
    case 'age':
      return (nowMs - last.tsMs) / 1_000;
    case 'changed':
      return samples.some(({ value }) => value !== first.value && !isDeepStrictEqual(value, first.value));
    case 'sum':
      return clamped(sum(small) * SCALE);
    case 'avg':
      return clamped(mean * SCALE);
    case 'min':
      return values.reduce((a, b) => Math.min(a, b));
    case 'max':
      return values.reduce((a, b) => Math.max(a, b));
    case 'stddev': {
      const off = small.map((value) => value - mean);
      const most = Math.max(...off.map(Math.abs));
      return most === 0 ? 0 : clamped(most * Math.sqrt(sum(off.map((one) => (one / most) ** 2)) / off.length) * SCALE);
    }
    case 'delta':
      return clamped(((small.at(-1) ?? 0) - (small[0] ?? 0)) * SCALE);
    case 'rate': {
      if (small.length < 2) return undefined;
      const steps = small.slice(1).map((now, i) => (now >= (small[i] ?? 0) ? now - (small[i] ?? 0) : now));
      return clamped((sum(steps) / (lengthMs / 1_000)) * SCALE);
    }
    case 'percentile':
      return quantile(values, p / 100);
  }
}

/** Rounding apart; a percentile within 1 %. */
export function agrees(fn: WindowFunction, got: unknown, right: unknown, samples: readonly Sample[], lengthMs: number): boolean {
  if (typeof got !== 'number' || typeof right !== 'number') return got === right || isDeepStrictEqual(got, right);
  if (fn === 'percentile') return Math.abs(right) < 2 ** -1022 ? got === 0 : Math.abs(got - right) <= Math.abs(right) * (0.01 + 1e-9);
  if (!['sum', 'avg', 'stddev', 'delta', 'rate'].includes(fn)) return got === right;
  const greatest = samples.reduce((most, { value }) => Math.max(most, Math.abs(Number(value))), 0);
  const adds = fn === 'sum' ? samples.length : fn === 'rate' ? samples.length / (lengthMs / 1_000) : 1;
  return Math.abs(got / SCALE - right / SCALE) <= (greatest / SCALE) * adds * 1e-13 + 1e-317;
}

const huge = fc.constantFrom(Number.MAX_VALUE, -Number.MAX_VALUE, 1e300, -1e300, 1e16, -1e16, 1e-300, 5e-324, 2 ** -1022, 0, -0);
const few = fc.integer({ min: 0, max: 3 });
const numbers = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -100, max: 1_000 }) },
  { weight: 3, arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }) },
  { weight: 3, arbitrary: few },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: huge },
);
const others = fc.oneof(
  fc.boolean(),
  fc.constantFrom<unknown>(null, '', 'up', '1', Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined),
  fc.constantFrom('{"a":1}', '{"a":1,"b":[2]}', '[]', '[1]').map((text) => JSON.parse(text) as unknown),
);
const value = fc.oneof({ weight: 6, arbitrary: numbers }, { weight: 1, arbitrary: others });

/** How far behind the clock a sample is; below 0: ahead of it. */
const lateMs = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: -700, max: 2_500 }) },
  { weight: 1, arbitrary: fc.constantFrom(999, 1_000, 1_001) },
);
const one = fc.record({ does: fc.constant('add'), lateMs, value });
/** Many: the values and their lateness by turns. */
const many = fc.record({
  does: fc.constant('burst'),
  count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(16, 255, 256, 257, 600)),
  everyMs: fc.constantFrom(0, 0, 1, 1, 3, 40),
  late: fc.array(lateMs, { minLength: 1, maxLength: 5 }),
  values: fc.array(value, { minLength: 1, maxLength: 40 }),
});
const waits = fc.record({ does: fc.constant('wait'), ms: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(1, 999, 1_000, 1_001, 2_500)) });
const asks = fc.record({ does: fc.constant('ask') });

export type Act =
  | { readonly does: 'add'; readonly lateMs: number; readonly value: unknown }
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'ask' }
  | { readonly does: 'burst'; readonly count: number; readonly everyMs: number; readonly late: readonly number[]; readonly values: readonly unknown[] };

/** For windows of a second. */
export const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof({ weight: 5, arbitrary: one }, { weight: 2, arbitrary: waits }, { weight: 3, arbitrary: asks }, { weight: 1, arbitrary: many }) as fc.Arbitrary<Act>,
  { maxLength: 50, size: 'max' },
);

/** Plays them, from an arbitrary hour on. */
export function play(all: readonly Act[], on: { add(sample: Sample): void; ask(nowMs: number): void }): number {
  let nowMs = 1_763_800_000_000;
  for (const act of all)
    if (act.does === 'add') on.add({ tsMs: nowMs - act.lateMs, value: act.value });
    else if (act.does === 'wait') nowMs += act.ms;
    else if (act.does === 'ask') on.ask(nowMs);
    else
      for (let i = 0; i < act.count; i++, nowMs += act.everyMs)
        on.add({ tsMs: nowMs - (act.late[i % act.late.length] ?? 0), value: act.values[i % act.values.length] });
  on.ask(nowMs);
  return nowMs;
}
