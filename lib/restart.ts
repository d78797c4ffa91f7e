/** How often is too often: the window of restarts, pure. Time comes in as a parameter. */

/** More than `intensity` restarts within `period` seconds, and the supervisor gives up. */
export interface Intensity {
  readonly intensity: number;
  readonly period: number;
}

/**
 * The seconds in which restarts happened, oldest first; `live` is the first that still counts, so that a restart costs the same
 * however many there have been.
 */
export interface RestartWindow {
  readonly seconds: number[];
  live: number;
}

export const emptyWindow = (): RestartWindow => ({ seconds: [], live: 0 });

/**
 * supervisor:add_restart/1: count one restart. Whole monotonic seconds, bounds included: with period 1, restarts 1.9 s apart may count together.
 * @returns false when this one is over the intensity.
 */
export function addRestart(window: RestartWindow, nowMs: number, { intensity, period }: Intensity): boolean {
  const now = Math.floor(nowMs / 1000);
  window.seconds.push(now);
  while ((window.seconds[window.live] ?? now) < now - period) window.live++;
  if (window.live > 64 && window.live * 2 > window.seconds.length) {
    window.seconds.splice(0, window.live);
    window.live = 0;
  }
  return window.seconds.length - window.live <= intensity;
}
