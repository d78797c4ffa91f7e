/** The servers of the Elixir cases: one whose every callback is a function given by the caller, and one without callbacks. */
import { type Ask, type CallMessage, call } from '../../lib/call.ts';
import { type GenServer, type Init, type Next, noreply, ok, type StartOptions, start, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import { isStarted, type StartResult } from '../../lib/start.ts';

/** `log`, if any, is told of `terminate` and of unknown messages. */
export interface State {
  readonly log?: Process;
  readonly n?: number;
}
type Answer = Next<State> | Promise<Next<State>>;
type First = State | ((self: Process) => Init<State> | Promise<Init<State>>);
export type Request = Ask<unknown> & ((from: CallMessage, state: State) => Answer);
export type Fun = (state: State) => Answer;

class S implements GenServer<State, Request, Fun> {
  readonly #first: First;

  constructor(first: First) {
    this.#first = first;
  }

  init(self: Process): Init<State> | Promise<Init<State>> {
    return typeof this.#first === 'function' ? this.#first(self) : ok(this.#first);
  }
  handleCall(fun: Request, from: CallMessage, state: State): Answer {
    return fun(from, state);
  }
  handleCast(fun: Fun, state: State): Answer {
    return fun(state);
  }
  handleContinue(fun: unknown, state: State): Answer {
    return (fun as Fun)(state);
  }
  handleInfo(message: unknown, state: State): Answer {
    if (typeof message === 'function') return (message as Fun)(state);
    state.log?.deliver(['info', message]);
    return noreply(state);
  }
  terminate(reason: unknown, state: State): void {
    state.log?.deliver(['terminate', reason]);
  }
}

/** A callback that sends `message`, and goes on. */
export const telling =
  (to: Process, message: unknown) =>
  (state: State): Next<State> => {
    to.deliver(message);
    return noreply(state);
  };

export const ask = (server: Process, fun: Request, timeoutMs?: number): Promise<unknown> => call(server, fun, timeoutMs);

const clockOf = ({ clock }: Process): { readonly clock: Process['clock'] } => ({ clock });

/** `GenServer.start_link(S, first)`, the result as it comes. */
export const tryLink = (parent: Process, first: First, options: StartOptions = {}): Promise<StartResult> =>
  startLink(parent, new S(first), { name: 's', ...options });
/** `GenServer.start(S, first)`, the result as it comes. */
export const tryStart = (self: Process, first: First, options: StartOptions = {}): Promise<StartResult> =>
  start(new S(first), { name: 's', ...clockOf(self), ...options });
export const linked = async (parent: Process, first: First, options: StartOptions = {}): Promise<Process> => pidOf(await tryLink(parent, first, options));
export const alone = async (self: Process, first: First, name = 's'): Promise<Process> => pidOf(await start(new S(first), { name, ...clockOf(self) }));
/** Plain server with no callbacks of its own but init. */
export const bare = async (self: Process): Promise<Process> => pidOf(await start({ init: () => ok(0) }, clockOf(self)));

function pidOf(result: StartResult): Process {
  if (isStarted(result)) return result.ok;
  throw new Error(`did not start: ${String(result)}`);
}
