/**
 * Windows of time that come back week by week, by the clock on the wall of an IANA time zone. Pure. A minute is in a window when that clock then
 * shows a time within: what a change of the clocks skips does not happen, what it repeats happens twice.
 */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Two weeks and a day of the calendar can be skipped (Samoa, 30 December 2011) before a window that recurs at all comes again. */
const HORIZON_DAYS = 22;

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Day = (typeof DAYS)[number];

/** Milliseconds that a zone's wall clock is ahead of UTC at a time. */
export type Offset = (atMs: number) => number;

export interface Recurring {
  /** On which a window begins. */
  readonly days: readonly Day[];
  /** Minutes since midnight by the wall clock. A window that is not from before to after ends on the next day. */
  readonly from: number;
  readonly to: number;
  readonly offset: Offset;
}

/** Minutes since midnight of `HH:MM`, to `24:00`; undefined for anything else. */
export function minutesOf(text: string): number | undefined {
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  const sum = Number(hours) * 60 + Number(minutes);
  return sum <= 1_440 ? sum : undefined;
}

/** By the name that Intl gives a zone, of which there are some hundreds: a formatter is heavy. */
const offsets = new Map<string, Offset>();

/** @returns undefined for a zone that nobody knows. */
export function offsetOf(zone: string): Offset | undefined {
  const format = formatOf(zone);
  if (!format) return undefined;
  const { timeZone } = format.resolvedOptions();
  const offset = offsets.get(timeZone) ?? shownBy(format);
  offsets.set(timeZone, offset);
  return offset;
}

const shownBy = (format: Intl.DateTimeFormat): Offset => {
  return (atMs) => {
    const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of format.formatToParts(atMs)) if (type in shown) shown[type as keyof typeof shown] = Number(value);
    const { year, month, day, hour, minute, second } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1_000) * 1_000;
  };
};

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  const [date, time] = [{ year: 'numeric', month: 'numeric', day: 'numeric' } as const, { hour: 'numeric', minute: 'numeric', second: 'numeric' } as const];
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', ...date, ...time });
  } catch {
    return undefined; // RangeError: no such zone
  }
}

/** Whether the window is on at that time. */
export const covers = (window: Recurring, atMs: number): boolean => shows(window, atMs + window.offset(atMs));

/** When that changes next; undefined for never: it covers every minute of the week. */
export function changeAfter(window: Recurring, atMs: number): number | undefined {
  const { offset } = window;
  let [fromMs, ahead] = [atMs, offset(atMs)];
  const now = shows(window, atMs + ahead);
  for (let days = 0; days < HORIZON_DAYS; days++) {
    const tomorrow = offset(fromMs + DAY_MS);
    const untilMs = tomorrow === ahead ? fromMs + DAY_MS : clockChange(offset, fromMs, fromMs + DAY_MS);
    for (const edgeMs of edges(window, fromMs + ahead)) {
      const thenMs = edgeMs - ahead;
      if (thenMs > fromMs && thenMs < untilMs && shows(window, edgeMs) !== now) return thenMs;
    }
    [fromMs, ahead] = [untilMs, offset(untilMs)];
    if (shows(window, fromMs + ahead) !== now) return fromMs;
  }
  return undefined;
}

/** Whether the window is on when the wall clock shows this; as if it were UTC. */
function shows({ days, from, to }: Recurring, wallMs: number): boolean {
  const day = Math.floor(wallMs / DAY_MS);
  const minute = (wallMs - day * DAY_MS) / MINUTE_MS;
  const begins = (number: number): boolean => days.includes(weekday(number));
  if (from < to) return minute >= from && minute < to && begins(day);
  return (minute >= from && begins(day)) || (minute < to && begins(day - 1));
}

/** What the wall clock shows when a window begins or ends, in the day from `wallMs` on; in order. */
function edges({ from, to }: Recurring, wallMs: number): readonly number[] {
  const midnightMs = Math.floor(wallMs / DAY_MS) * DAY_MS;
  const daily = [Math.min(from, to), Math.max(from, to)].map((minute) => midnightMs + minute * MINUTE_MS);
  return [...daily, ...daily.map((edgeMs) => edgeMs + DAY_MS)];
}

const weekday = (day: number): Day => DAYS[(((day + 4) % 7) + 7) % 7] ?? 'sun'; // 1 January 1970 was a Thursday

/** The first time after `fromMs` at which the offset is another than then; it is another at `untilMs`. */
function clockChange(offset: Offset, fromMs: number, untilMs: number): number {
  const before = offset(fromMs);
  let [low, high] = [fromMs, untilMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
