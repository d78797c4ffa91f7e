/** Erlang terms: their JSON (SCENARIOS.md, section 1) and what stands for them in `lib/`. Atoms are strings, tuples are arrays. */
import { Exit } from '../../lib/exit.ts';
import { Process } from '../../lib/process.ts';
import type { Json } from './scenario.ts';

/** The arrays that are Erlang lists. Any other is a tuple, as all are to `lib/`: it takes the list `[shutdown, x]` for the pair. */
const lists = new WeakSet<object>();

class Binary {
  readonly text: Json;
  constructor(text: Json) {
    this.text = text;
  }
}

/** What a supervisor's `init` answered instead of flags and specs; OTP puts its module and function before it. */
export class BadReturn {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** `erlang:error(Reason)`: a process that fails so exits with `{Reason, Stack}`. */
class ErlangError extends Error {
  override readonly name = 'ErlangError';
  readonly reason: unknown;
  constructor(reason: unknown) {
    super(`erlang:error(${JSON.stringify(reason)})`);
    this.reason = reason;
  }
}

const STACK = Symbol('stack trace');

/** What code throws for an exception of Erlang's classes `exit` and `error`. */
export function thrown(kind: string, reason: unknown): unknown {
  if (kind === 'exit') return new Exit(reason);
  // `{shutdown, Stack}` is a pair, and so an orderly end to OTP; an Error is none to anybody.
  return reason === 'shutdown' ? new Exit([reason, STACK]) : new ErlangError(reason);
}

type Names = (pid: Process) => string;

export function decode(json: Json | undefined, pidOf: (name: string) => unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (isArray(json)) {
    const list = json.map((item) => decode(item, pidOf));
    lists.add(list);
    return list;
  }
  if (isArray(json['t'])) return json['t'].map((item) => decode(item, pidOf));
  if (typeof json['pid'] === 'string') return pidOf(json['pid']);
  if ('b' in json) return new Binary(json['b'] ?? null);
  throw new TypeError(`no term: ${JSON.stringify(json)}`);
}

export function encode(term: unknown, names: Names): Json {
  const all = (terms: readonly unknown[]): Json[] => terms.map((one) => encode(one, names));
  switch (typeof term) {
    case 'string':
    case 'number':
      return term;
    case 'boolean':
    case 'undefined':
      return String(term);
    case 'function':
      return '$fun';
    case 'symbol':
      return term === STACK ? '$stack' : String(term);
  }
  if (term instanceof Process) return { pid: names(term) };
  if (term instanceof Binary) return { b: term.text };
  if (term instanceof BadReturn) return { t: ['$mod', 'init', encode(term.value, names)] };
  if (term instanceof Error) return { t: ['reason' in term ? encode(term.reason, names) : term.message, '$stack'] };
  if (Array.isArray(term)) return lists.has(term) ? all(term) : { t: LISTS.has(term[0]) ? [term[0], listOf(term[1], all)] : all(term) };
  if (typeof term === 'object' && term !== null && 'start' in term) return { spec: specFields(term, names) };
  return { m: Object.entries(term ?? {}).map(([key, value]) => [key, encode(value, names)]) };
}

/** The faults that carry a list; in `lib/` lists are arrays as well. */
const LISTS: ReadonlySet<unknown> = new Set(['bad_combination', 'bad_start_spec']);
const listOf = (term: unknown, all: (terms: readonly unknown[]) => Json[]): Json => (Array.isArray(term) ? all(term) : '$improper');

function specFields(spec: object, names: Names): Json {
  const keys = ['id', 'restart', 'shutdown', 'type', 'significant'];
  const fields = Object.entries(spec).filter(([key, value]) => keys.includes(key) && value !== undefined);
  return Object.fromEntries(fields.map(([key, value]) => [key, encode(value, names)]));
}

export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
