/**
 * The life of an alert, pure (the words are Prometheus's): inactive ─▶ pending (`for`) ─▶ firing ─▶ recovering (`keep_firing_for`) ─▶ inactive.
 * Time is a parameter. An unknown verdict moves nothing but what time alone moves. Only the telling of a firing is ever held back: never its
 * beginning, never its end.
 */
import type { Mark } from '../../inbox.ts';
import type { Truth } from '../condition/compile.ts';

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
  /** What holds the telling back: there while an episode runs untold, and only then. */
  readonly held?: Held | undefined;
  /** Who has seen to the running episode: it is not told any more, but for its end to whoever was told. */
  readonly acked?: Acked | undefined;
  /** Since when there has been no data, once that is so long ago that `no_data` decides. */
  readonly noDataMs?: number | undefined;
  /** The monitor whose event began the episode. */
  readonly monitor?: string | undefined;
  /** Up to where the rule had read when this was committed: what comes after it has not been judged. */
  readonly read?: Mark;
}

export interface Acked {
  readonly atMs: number;
  readonly by: string;
  readonly comment: string;
}

export interface Damping {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly cooldownMs: number;
}

/** Why a firing is not told. The acknowledgement and the cooldown are the alert's own; the others come from outside it. */
export type Reason = 'acknowledged' | 'cooldown' | 'silenced' | 'maintenance' | 'inhibited';
export interface Held {
  readonly reason: Reason;
  /** Who holds it back: the silence, the window, the rule that inhibits. */
  readonly by?: string | undefined;
}
export interface Hold extends Held {
  /** When it is over at the earliest; ms since 1970. Left out where time alone does not tell: whoever lifts it has the alert judged again. */
  readonly untilMs?: number | undefined;
}
/** What else holds a firing back at that time, if anything does. Asked only when there is a firing to tell, and the cooldown would let it. */
export type HoldAt = (atMs: number) => Hold | undefined;

/** `fire`, `resolve`: to be told · `suppress`: an episode has ended whose firing was held back until its end. */
export type Effect = 'fire' | 'resolve' | 'suppress';
export interface Step {
  readonly state: AlertState;
  readonly effect: Effect | undefined;
  /** Of `suppress`: what held it back last. */
  readonly held?: Held | undefined;
  /** When time alone could change the state next. */
  readonly wakeMs: number | undefined;
}

export const INACTIVE: AlertState = { phase: 'inactive', sinceMs: 0, firingMs: 0, episodes: 0, told: false, toldMs: null };

/** Whether an episode is running. */
export const isOpen = ({ phase }: AlertState): boolean => phase === 'firing' || phase === 'recovering';

const FREE: HoldAt = () => undefined;

/** `mode: "event"`: every event on which the condition holds is an episode of its own, but for the cooldown. One that is held back is not told later. */
export function stepOfEvent(state: AlertState, truth: Truth, nowMs: number, { cooldownMs }: Damping, holdAt = FREE): Step {
  const atMs = laterOf(state, nowMs);
  if (truth !== true || (state.toldMs !== null && atMs < state.toldMs + cooldownMs)) return rest(state);
  const begun: AlertState = { ...state, sinceMs: atMs, firingMs: atMs, episodes: state.episodes + 1 };
  const hold = holding(holdAt, atMs);
  return hold ? { ...rest(begun), effect: 'suppress', held: heldOf(hold) } : { ...rest({ ...begun, toldMs: atMs }), effect: 'fire' };
}

/** `mode: "alert"`. */
export function step(state: AlertState, truth: Truth, nowMs: number, damping: Damping, holdAt = FREE): Step {
  const { phase, sinceMs } = state;
  const { forMs, keepFiringForMs } = damping;
  const atMs = laterOf(state, nowMs);
  switch (phase) {
    case 'inactive':
      if (truth !== true) return rest(state);
      return forMs > 0 ? rest({ ...state, phase: 'pending', sinceMs: atMs }, atMs + forMs) : fire(state, atMs, damping, holdAt);
    case 'pending':
      if (truth === false) return rest({ ...state, phase: 'inactive', sinceMs: atMs });
      if (truth !== true) return rest(state); // unknown: only an event can bring it on
      return atMs >= sinceMs + forMs ? fire(state, atMs, damping, holdAt) : rest(state, sinceMs + forMs);
    case 'firing':
      if (truth !== false) return tell(state, atMs, damping, holdAt);
      return keepFiringForMs > 0 ? rest({ ...state, phase: 'recovering', sinceMs: atMs }, atMs + keepFiringForMs) : end(state, atMs);
    case 'recovering':
      if (truth === true) return tell({ ...state, phase: 'firing', sinceMs: atMs }, atMs, damping, holdAt);
      return atMs >= sinceMs + keepFiringForMs ? end(state, atMs) : rest(state, sinceMs + keepFiringForMs);
  }
}

/** Somebody has seen to it. What has not been told then goes on being judged, and is not told for no other reason any more. */
export function acknowledge(state: AlertState, acked: Acked): AlertState {
  if (!isOpen(state)) return state;
  return { ...state, acked, held: state.told ? undefined : { reason: 'acknowledged', by: acked.by } };
}

/**
 * The rule, or this instance of it, is gone or has another meaning now: a running episode ends, and who was told of it is told.
 * Its number and the time of the last telling stay, so that names stay single and the cooldown goes on, should the rule come back.
 */
export function close(state: AlertState, nowMs: number): Step {
  const blank: AlertState = state.noDataMs === undefined ? state : { ...state, noDataMs: undefined };
  const atMs = laterOf(state, nowMs);
  if (isOpen(state)) return end(blank, atMs);
  return rest(state.phase === 'pending' ? { ...blank, phase: 'inactive', sinceMs: atMs } : blank);
}

/** For an alert time never runs backwards, though events come late and the wall clock is set. */
export const laterOf = ({ sinceMs, toldMs }: AlertState, nowMs: number): number => Math.max(nowMs, sinceMs, toldMs ?? 0);

const rest = (state: AlertState, wakeMs?: number): Step => ({ state, effect: undefined, wakeMs });

const fire = (state: AlertState, atMs: number, damping: Damping, holdAt: HoldAt): Step =>
  tell({ ...state, phase: 'firing', sinceMs: atMs, firingMs: atMs, episodes: state.episodes + 1, told: false, acked: undefined }, atMs, damping, holdAt);

/** A firing that something holds back is told when nothing does any longer, if it still fires. The cooldown limits how often it is told anew. */
function tell(state: AlertState, atMs: number, { cooldownMs }: Damping, holdAt: HoldAt): Step {
  if (state.told) return rest(state);
  const hold = seenTo(state) ?? cooling(state, atMs, cooldownMs) ?? holding(holdAt, atMs); // in this order no other reason can come before `untilMs`
  if (!hold) return { ...rest({ ...state, told: true, toldMs: atMs, held: undefined }), effect: 'fire' };
  const same = state.held?.reason === hold.reason && state.held.by === hold.by;
  return rest(same ? state : { ...state, held: heldOf(hold) }, hold.untilMs);
}

/** Never held back: who was told of the firing is told of the end. Who was not is not, and why that was is on record. */
function end(state: AlertState, atMs: number): Step {
  const ended: AlertState = { ...state, phase: 'inactive', sinceMs: atMs, told: false, held: undefined, acked: undefined };
  return state.told ? { ...rest(ended), effect: 'resolve' } : { ...rest(ended), effect: 'suppress', held: state.held ?? { reason: 'cooldown' } };
}

const seenTo = ({ acked }: AlertState): Hold | undefined => acked && { reason: 'acknowledged', by: acked.by };

/** A hold whose end has come holds nothing: who asks at that very time must not be told to ask then. */
function holding(holdAt: HoldAt, atMs: number): Hold | undefined {
  const hold = holdAt(atMs);
  return hold?.untilMs !== undefined && hold.untilMs <= atMs ? undefined : hold;
}

function cooling({ toldMs }: AlertState, atMs: number, cooldownMs: number): Hold | undefined {
  return toldMs !== null && atMs < toldMs + cooldownMs ? { reason: 'cooldown', untilMs: toldMs + cooldownMs } : undefined;
}

const heldOf = ({ reason, by }: Hold): Held => (by === undefined ? { reason } : { reason, by });
