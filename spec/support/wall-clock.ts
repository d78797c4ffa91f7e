/** What the clocks on the walls of the world show, minute by minute, around the days on which they are changed. */
import type { Recurring } from '../../actors/rules/alert/recurring.ts';
import { DAYS } from '../../actors/rules/alert/recurring.ts';

export const MINUTE_MS = 60_000;
const NAMES: readonly string[] = DAYS;

/** A zone, and a time near which its clock is put forward, back, or over a day. */
export const CHANGES = [
  ['Europe/Berlin', '2026-03-29T01:00Z'], // 02:00 -> 03:00
  ['Europe/Berlin', '2026-10-25T01:00Z'], // 03:00 -> 02:00
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['America/St_Johns', '2006-10-29T02:31Z'], // 00:01 -> 23:01 the day before
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'], // by half an hour
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Pacific/Chatham', '2026-04-04T14:00Z'], // +13:45 -> +12:45
  ['America/Sao_Paulo', '2018-11-04T03:00Z'], // there is no midnight
  ['Asia/Beirut', '2026-03-28T22:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'], // for Ramadan, backwards
  ['Antarctica/Troll', '2026-03-29T01:00Z'], // by two hours
  ['Pacific/Apia', '2011-12-30T10:00Z'], // there is no Friday
  ['Asia/Kathmandu', '2026-01-01T00:00Z'], // +05:45, never changed
  ['UTC', '2026-03-01T00:00Z'],
] as const;

/** The scan: from two days before the change to three after. */
export const SCAN_MINUTES = 5 * 1_440;
export const scanStart = (changeAt: string): number => Date.parse(changeAt) - 2 * 1_440 * MINUTE_MS;

export interface Shown {
  readonly day: number;
  readonly minute: number;
}
const scans = new Map<string, readonly Shown[]>();

/** What the clock shows at each minute of the scan: the number of the weekday, and the minutes since midnight. */
export function scan(zone: string, changeAt: string): readonly Shown[] {
  const known = scans.get(zone + changeAt);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const shown = Array.from({ length: SCAN_MINUTES }, (_, i): Shown => {
    const [, day = '', hours, minutes] = /^(\w+),? (\d+):(\d+)$/.exec(clock.format(scanStart(changeAt) + i * MINUTE_MS)) ?? [];
    return { day: NAMES.indexOf(day.toLowerCase()), minute: Number(hours) * 60 + Number(minutes) };
  });
  scans.set(zone + changeAt, shown);
  return shown;
}

/** Whether a window is on when the clock shows that. */
export function onWall({ days, from, to }: Pick<Recurring, 'days' | 'from' | 'to'>, { day, minute }: Shown): boolean {
  const isOn = (number: number): boolean => days.some((one) => one === DAYS[number]);
  if (from < to) return isOn(day) && from <= minute && minute < to;
  return (isOn(day) && from <= minute) || (isOn((day + 6) % 7) && minute < to);
}
