/**
 * The recorded Elixir cases (spec/fixtures/otp/elixir-cases.jsonl) and what restating one in JavaScript takes. A restated case
 * runs in a process of its own, on a clock that jumps when nobody can do anything without it.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { CallError } from '../../lib/call.ts';
import { TIMEOUT } from '../../lib/gen-server.ts';
import { Process, processes, runQueue, spawn } from '../../lib/process.ts';
import { DownMessage, ExitMessage } from '../../lib/signal.ts';
import { TaskError } from '../../lib/task.ts';
import { VirtualClock } from '../otp/virtual-clock.ts';

type Json = string | number | readonly Json[] | { readonly [key: string]: Json };
interface Case {
  readonly id: string;
  readonly rule: string;
  readonly expected: Json;
}

const file = new URL('../fixtures/otp/elixir-cases.jsonl', import.meta.url);
const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1); // the first line is the preamble
const cases: ReadonlyMap<string, Case> = new Map(lines.map((line) => JSON.parse(line) as Case).map((one) => [one.id, one]));

/** What the process of a case does; its value is compared with the recorded one. */
type CaseBody = (self: Process) => Promise<unknown>;

/**
 * For the cases from `first` to `last`: each of them is restated, or there is a reason why it is not here. Answers what
 * restates one; `expected` is for what JavaScript has another word for, without it the recorded value is expected.
 */
export function restating(
  first: string,
  last: string,
  notHere: Readonly<Record<string, string>>,
): (id: string, body: CaseBody, ...expected: readonly [unknown?]) => void {
  const here: string[] = [];
  it(`has every case from ${first} to ${last}, or a reason why not`, () => {
    const recorded = [...cases.keys()].filter((id) => id >= first && id <= last);
    expect([...here, ...Object.keys(notHere)].sort()).to.deep.equal(recorded);
  });
  return (id, body, ...expected) => {
    here.push(id);
    const one = known(id);
    it(`${id} ${one.rule}`, async () => {
      const value = plain(await inProcess(body));
      expect(value).to.deep.equal(expected.length > 0 ? expected[0] : inJavaScript(one.expected));
    });
  };
}

function known(id: string): Case {
  const one = cases.get(id);
  if (!one) throw new Error(`no such case: ${id}`);
  return one;
}

/** Run `body` as a process, and pass the time whenever all wait for it. */
export async function inProcess<T>(body: (self: Process) => Promise<T>): Promise<T> {
  const clock = new VirtualClock();
  let outcome: Promise<T> | undefined;
  let ended = false;
  const self = spawn(
    async (process) => {
      outcome = body(process);
      await outcome;
    },
    { name: 'self', clock },
  );
  self.onExit(() => {
    ended = true;
  });
  while (!ended) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!ended && runQueue() === 0 && !clock.advance()) throw new Error('the case waits for something that does not come');
  }
  for (const left of processes()) if (left.clock === clock) left.die('killed'); // a case may leave servers running; they go with it
  if (self.exitReason !== 'normal') throw self.exitReason instanceof Error ? self.exitReason : new Error(`the case was ended: ${String(self.exitReason)}`);
  return outcome as Promise<T>;
}

/** The messages so far: those that come before nothing has come for `ms`. */
export async function drain(self: Process, ms = 30): Promise<unknown[]> {
  const messages: unknown[] = [];
  for (;;) {
    const message = await next(self, ms);
    if (message === undefined) return messages;
    messages.push(message);
  }
}

export const next = (self: Process, ms = Number.POSITIVE_INFINITY): Promise<unknown> =>
  self.receive((message): message is unknown => message !== undefined, ms);
export const sleep = async (self: Process, ms: number): Promise<void> => {
  await self.receive((_message): _message is never => false, ms);
};

/** Trapped exits without the process that they came from. */
export const exits = (messages: readonly unknown[]): unknown[] => messages.map((one) => (one instanceof ExitMessage ? ['EXIT', one.reason] : one));

/** Wait for the end of a process; its reason. */
export const down = (self: Process, pid: Process): Promise<unknown> => downOf(self, self.monitor(pid));
export async function downOf(self: Process, reference: DownMessage): Promise<unknown> {
  const message = await self.receive((one): one is DownMessage => one === reference, 1_000);
  return message ? message.reason : 'no_down';
}

/** `['value', v]`, `['exit', reason]` for a call or a task that gave no answer, else `['error', e]`. */
export async function caught(fun: () => unknown): Promise<readonly [string, unknown]> {
  try {
    return ['value', await fun()];
  } catch (thrown) {
    return thrown instanceof CallError || thrown instanceof TaskError ? ['exit', thrown.reason] : ['error', thrown];
  }
}

/** A value as plain data: processes by name, failures by reason or message, messages as Erlang's tuples. */
function plain(value: unknown): unknown {
  if (value instanceof Process) return { pid: value.name };
  if (value instanceof DownMessage) return ['DOWN', '$ref', 'process', plain(value.pid), plain(value.reason)];
  if (value instanceof ExitMessage) return ['EXIT', plain(value.from), plain(value.reason)];
  if (value instanceof Error) return 'reason' in value ? plain(value.reason) : value.message;
  if (value === TIMEOUT) return 'timeout';
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value);
  const [tag] = fields;
  if (tag && fields.length === 1 && ['ok', 'error', 'exit'].includes(tag[0])) return tag.map(plain); // {ok, Pid}, {error, Reason}, {exit, Reason}
  return Object.fromEntries(fields.map(([key, field]) => [key, plain(field)]));
}

const WORDS = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['nil', undefined],
  ['undefined', undefined],
]);

/** A recorded value, less what JavaScript keeps elsewhere: an Error has its stack, a CallError what it was called with. */
function inJavaScript(term: Json): unknown {
  if (typeof term === 'string') return WORDS.has(term) ? WORDS.get(term) : term;
  if (typeof term !== 'object') return term;
  if (isList(term)) return term.map(inJavaScript);
  const { t: tuple, m: map, b: binary, message } = term;
  if (tuple !== undefined && isList(tuple)) {
    const [first, second] = tuple;
    if (tuple.length === 2 && first !== undefined && (second === '$stack' || isCall(second))) return inJavaScript(first);
    return tuple.map(inJavaScript);
  }
  if (map !== undefined && isList(map)) return Object.fromEntries(map.map((field) => (isList(field) ? field.map(inJavaScript) : [])));
  return binary ?? message ?? term;
}

const isList = (term: Json | undefined): term is readonly Json[] => Array.isArray(term);
/** `{Module, function, Arguments}` of the call that failed. */
function isCall(term: Json | undefined): boolean {
  if (typeof term !== 'object' || isList(term)) return false;
  const [module, fun] = isList(term['t']) ? term['t'] : [];
  return (module === 'GenServer' && (fun === 'call' || fun === 'stop')) || (module === 'sys' && fun === 'terminate') || (module === 'Task' && fun === 'await');
}
