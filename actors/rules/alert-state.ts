/**
 * The life of an alert, pure (the words are Prometheus's): inactive ─▶ pending (`for`) ─▶ firing ─▶ recovering (`keep_firing_for`) ─▶ inactive.
 * Time is a parameter. An unknown verdict moves nothing but what time alone moves.
 */
import type { Mark } from '../inbox.ts';
import type { Truth } from './compile.ts';

export interface AlertState {
  readonly phase: 'inactive' | 'pending' | 'firing' | 'recovering';
  /** When this phase began; ms since 1970. */
  readonly sinceMs: number;
  /** When the running episode began to fire, and its number among this rule's. */
  readonly firingMs: number;
  readonly episodes: number;
  /** Whether its firing has been told, and when the last one of any episode was. */
  readonly told: boolean;
  readonly toldMs: number | null;
  /** The monitor whose event began the episode. */
  readonly monitor?: string | undefined;
  /** Up to where the rule had read when this was committed: what comes after it has not been judged. */
  readonly read?: Mark;
}

export interface Damping {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly cooldownMs: number;
}

/** `fire`, `resolve`: to be told · `suppress`: an episode has ended whose firing the cooldown held back until its end. */
export type Effect = 'fire' | 'resolve' | 'suppress';
export interface Step {
  readonly state: AlertState;
  readonly effect: Effect | undefined;
  /** When time alone could change the state next. */
  readonly wakeMs: number | undefined;
}

export const INACTIVE: AlertState = { phase: 'inactive', sinceMs: 0, firingMs: 0, episodes: 0, told: false, toldMs: null };

/** `mode: "event"`: every event on which the condition holds is an episode of its own, but for the cooldown. */
export function stepOfEvent(state: AlertState, truth: Truth, nowMs: number, { cooldownMs }: Damping): Step {
  if (truth !== true || (state.toldMs !== null && nowMs < state.toldMs + cooldownMs)) return rest(state);
  return { state: { ...state, sinceMs: nowMs, firingMs: nowMs, episodes: state.episodes + 1, toldMs: nowMs }, effect: 'fire', wakeMs: undefined };
}

/** `mode: "alert"`. */
export function step(state: AlertState, truth: Truth, nowMs: number, damping: Damping): Step {
  const { phase, sinceMs } = state;
  switch (phase) {
    case 'inactive':
      if (truth !== true) return rest(state);
      return damping.forMs > 0 ? { ...rest({ ...state, phase: 'pending', sinceMs: nowMs }), wakeMs: nowMs + damping.forMs } : fire(state, nowMs, damping);
    case 'pending':
      if (truth === false) return rest({ ...state, phase: 'inactive', sinceMs: nowMs });
      if (truth !== true) return rest(state); // unknown: only an event can bring it on
      return nowMs >= sinceMs + damping.forMs ? fire(state, nowMs, damping) : { ...rest(state), wakeMs: sinceMs + damping.forMs };
    case 'firing':
      if (truth !== false) return tell(state, nowMs, damping);
      if (damping.keepFiringForMs > 0) return { ...rest({ ...state, phase: 'recovering', sinceMs: nowMs }), wakeMs: nowMs + damping.keepFiringForMs };
      return end(state, nowMs);
    case 'recovering':
      if (truth === true) return tell({ ...state, phase: 'firing', sinceMs: nowMs }, nowMs, damping);
      return nowMs >= sinceMs + damping.keepFiringForMs ? end(state, nowMs) : { ...rest(state), wakeMs: sinceMs + damping.keepFiringForMs };
  }
}

const rest = (state: AlertState): Step => ({ state, effect: undefined, wakeMs: undefined });

const fire = (state: AlertState, nowMs: number, damping: Damping): Step =>
  tell({ ...state, phase: 'firing', sinceMs: nowMs, firingMs: nowMs, episodes: state.episodes + 1, told: false }, nowMs, damping);

/** The cooldown limits how often it is told anew; an episode that outlasts it is told then. */
function tell(state: AlertState, nowMs: number, { cooldownMs }: Damping): Step {
  if (state.told) return rest(state);
  const freeMs = state.toldMs === null ? nowMs : state.toldMs + cooldownMs;
  if (nowMs < freeMs) return { ...rest(state), wakeMs: freeMs };
  return { state: { ...state, told: true, toldMs: nowMs }, effect: 'fire', wakeMs: undefined };
}

/** Never held back by the cooldown: who was told of the firing is told of the end. */
const end = (state: AlertState, nowMs: number): Step => ({
  state: { ...state, phase: 'inactive', sinceMs: nowMs, told: false },
  effect: state.told ? 'resolve' : 'suppress',
  wakeMs: undefined,
});
