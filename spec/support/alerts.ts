/** Random courses of an alert: verdicts, times, and what holds its firing back; and what is promised of them, in plain words. */
import fc from 'fast-check';
import type { AlertState, Damping, Effect, Hold, HoldAt, Reason } from '../../actors/rules/alert/alert-state.ts';
import type { Truth } from '../../actors/rules/condition/compile.ts';

export const START_MS = 1_700_000_000_000;

const span = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }));
export const damping: fc.Arbitrary<Damping> = fc.record({ forMs: span, keepFiringForMs: span, cooldownMs: span });
export const truth = fc.constantFrom<Truth[]>(true, false, undefined);

/** Spans of time one after the other; in each something holds, or nothing does. */
export type Schedule = readonly { readonly lengthMs: number; readonly reason: Exclude<Reason, 'cooldown'> | undefined }[];
export const schedule: fc.Arbitrary<Schedule> = fc.array(
  fc.record({ lengthMs: fc.integer({ min: 1, max: 40 }), reason: fc.constantFrom(undefined, undefined, 'silenced', 'maintenance', 'inhibited') }),
  { maxLength: 8 },
);
export function holdOf(spans: Schedule): HoldAt {
  return (atMs): Hold | undefined => {
    let untilMs = START_MS;
    for (const { lengthMs, reason } of spans) {
      untilMs += lengthMs;
      if (atMs < untilMs) return reason && { reason, by: `until ${untilMs}`, untilMs };
    }
    return undefined;
  };
}

export const isOpen = ({ phase }: AlertState): boolean => phase === 'firing' || phase === 'recovering';
/** What a crash leaves of it. */
export const restored = (state: AlertState): AlertState => JSON.parse(JSON.stringify(state)) as AlertState;

interface Judged {
  readonly truth: Truth;
  readonly nowMs: number;
  /** Needs not hold for `for`. */
  readonly atOnce?: boolean;
}
export interface Promised {
  readonly effect: Effect | undefined;
  readonly open: boolean;
  /** Why nobody was told: of the running episode, or of the one that has just ended. */
  readonly why: Reason | undefined;
}

/** Since when it holds, since when it does not, what was told and when, and what hindered it. */
export function* promised({ forMs, keepFiringForMs, cooldownMs }: Damping, holdAt: HoldAt): Generator<Promised, never, Judged> {
  let effect: Effect | undefined;
  let open = false;
  let told = false;
  let why: Reason | undefined;
  let lastToldMs = Number.NEGATIVE_INFINITY;
  let heldMs = Number.POSITIVE_INFINITY;
  let quietMs = Number.POSITIVE_INFINITY;
  for (;;) {
    const { truth: holds, nowMs, atOnce = false } = yield { effect, open, why };
    effect = undefined;
    if (!open) why = undefined;
    if (holds === true) {
      heldMs = Math.min(heldMs, nowMs);
      quietMs = Number.POSITIVE_INFINITY;
    }
    if (holds === false) {
      quietMs = Math.min(quietMs, nowMs);
      heldMs = Number.POSITIVE_INFINITY;
    }
    if (!open && holds === true && (atOnce || nowMs - heldMs >= forMs)) open = true;
    else if (open && holds !== true && nowMs - quietMs >= keepFiringForMs) {
      effect = told ? 'resolve' : 'suppress';
      open = told = false;
      heldMs = quietMs = Number.POSITIVE_INFINITY;
    }
    if (!open) quietMs = Number.POSITIVE_INFINITY;
    if (open && !told && quietMs === Number.POSITIVE_INFINITY) {
      why = nowMs - lastToldMs < cooldownMs ? 'cooldown' : holdAt(nowMs)?.reason;
      if (why === undefined) {
        effect = 'fire';
        told = true;
        lastToldMs = nowMs;
      }
    }
  }
}
