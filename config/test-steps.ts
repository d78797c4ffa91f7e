/** What the monitors of a test case see, one look after another: series with their short forms written out. Pure. */
import { durationMs, durationText } from '../actors/rules/condition/operators-window.ts';
import type { Fault } from '../actors/schema.ts';
import type { TestStep } from './test-schema.ts';

/** One look of a monitor at its target: some fields of its state, or one place in it. */
export interface Look {
  /** Since the start of the case. */
  readonly atMs: number;
  readonly monitor: string;
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
  readonly path?: readonly string[];
  readonly value?: unknown;
}

const MOST = 1_000_000;
const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const SERIES = new RegExp(`^(${NUMBER})([+-]\\d+(?:\\.\\d+)?)?x(\\d{1,7})$`);
const GAPS = /^_(?:x(\d{1,7}))?$/;

/** Since the start of a case, of a text that fits the schema: what is no duration for a window is nothing, or too much. */
export const timeOf = (text: string): number => durationMs(text) ?? (/[1-9]/.test(text) ? Number.POSITIVE_INFINITY : 0);
/** `1m30s`, `0s`. */
export const timeText = (ms: number): string => durationText(ms) || '0s';

export function checkedTime(text: string, path: string, faults: Fault[]): number {
  const ms = timeOf(text);
  if (ms === Number.POSITIVE_INFINITY) faults.push({ path, expected: 'at most 366d', got: text });
  return ms;
}

/** In the order of time; at the same time in the order in which they are written. */
export function looksOf(steps: readonly TestStep[], path: string, faults: Fault[]): readonly Look[] {
  return steps.flatMap((step, i) => looksOfOne(step, `${path}/${i}`, faults)).sort((a, b) => a.atMs - b.atMs);
}

function looksOfOne({ at, monitor, fields, path, every, values }: TestStep, place: string, faults: Fault[]): readonly Look[] {
  const atMs = checkedTime(at, `${place}/at`, faults);
  if (fields !== undefined) {
    for (const [key, value] of Object.entries({ path, every, values }))
      if (value !== undefined) faults.push({ path: `${place}/${key}`, expected: '`fields`, or `path` and `values`, and not both', got: value });
    return [{ atMs, monitor, fields }];
  }
  if (path === undefined || values === undefined) {
    faults.push({ path: `${place}/${path === undefined ? 'path' : 'values'}`, expected: '`fields`, or `path` and `values`: the key is missing' });
    return [];
  }
  const many = values.reduce<number>((sum, value) => sum + timesOf(value), 0);
  if (many > MOST) {
    faults.push({ path: `${place}/values`, expected: `at most ${MOST} values`, got: many });
    return [];
  }
  const all = values.flatMap((value) => writtenOut(value));
  if (all.length > 1 && every === undefined) faults.push({ path: `${place}/every`, expected: 'how far its values are apart: the key is missing' });
  const apartMs = checkedTime(every ?? '0s', `${place}/every`, faults);
  const words = path.split('.');
  return all.flatMap((value, i) => (value === undefined ? [] : [{ atMs: atMs + i * apartMs, monitor, path: words, value }]));
}

/** For how many values an entry stands. */
const timesOf = (entry: unknown): number => (typeof entry === 'string' ? Number(GAPS.exec(entry)?.[1] ?? SERIES.exec(entry)?.[3] ?? 1) : 1);

/** The values that one entry stands for; undefined is none. */
export function writtenOut(entry: unknown): readonly unknown[] {
  if (typeof entry === 'object' && entry !== null && 'value' in entry && Object.keys(entry).length === 1) return [entry.value];
  if (typeof entry !== 'string') return [entry];
  const length = timesOf(entry);
  if (GAPS.test(entry)) return Array.from({ length }, () => undefined);
  const [, from, by = '0'] = SERIES.exec(entry) ?? [];
  return from === undefined ? [entry] : Array.from({ length }, (_, i) => Number((Number(from) + i * Number(by)).toPrecision(15))); // 0.1+0.2 is 0.3, as a person would write it
}
