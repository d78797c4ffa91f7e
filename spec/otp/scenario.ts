/** The scenario files' own shapes (SCENARIOS.md, sections 3 to 6), as far as the replayer reads them. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** How the n-th start goes: a word, or a word and its argument. */
export type Outcome = string | readonly [how: string, argument: Json];
export type Starts = Readonly<Record<string, Outcome>>;

export interface WorkerJson {
  readonly trap?: boolean;
  readonly init?: Starts;
  readonly term?: Outcome;
}

export interface ChildJson {
  readonly id?: string;
  readonly restart?: Json;
  readonly shutdown?: Json;
  readonly type?: Json;
  readonly significant?: Json;
  readonly no_start?: boolean;
  readonly w?: WorkerJson;
  readonly sup?: SupervisorJson;
}

export interface SupervisorJson {
  readonly strategy?: Json;
  readonly intensity?: Json;
  readonly period?: Json;
  readonly auto_shutdown?: Json;
  readonly children?: readonly ChildJson[];
  readonly template?: ChildJson;
  readonly init?: Starts;
}

export interface Step {
  readonly op: string;
  readonly path?: string;
  readonly sup?: string;
  readonly reason?: Json;
  readonly class?: string;
  readonly other?: string;
  readonly id?: Json;
  readonly child?: string;
  readonly key?: string;
  readonly w?: WorkerJson;
  readonly spec?: ChildJson;
  readonly raw?: Json;
  readonly ms?: number;
  readonly sups?: readonly string[];
  readonly steps?: readonly Step[];
}

/** `['start', N]`, `['down', N, reason]`, …, or chains of such without an order among each other. */
export type TraceEvent = readonly Json[] | { readonly unordered: readonly (readonly TraceEvent[])[] };

export interface Entry {
  readonly r?: Json;
  readonly ev?: readonly TraceEvent[];
  readonly async?: true;
  readonly steps?: readonly Entry[];
  readonly resume?: readonly Entry[];
}

export interface Trace {
  readonly start: Entry;
  readonly steps: readonly Entry[];
  readonly alive: readonly string[];
  readonly top: Json;
  readonly state: Readonly<Record<string, Json>>;
  readonly reports?: readonly Json[];
}

export interface Scenario {
  readonly id: string;
  readonly rule?: string;
  readonly tree: SupervisorJson;
  readonly steps: readonly Step[];
  readonly trace: Trace;
}

/** The scenarios of a file's text, one in a line. */
export function parseScenarios(text: string): Scenario[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const scenario = parsed(line);
    if (!scenario?.tree || !scenario.steps || !scenario.trace)
      throw new TypeError(`line ${at + 1} is no scenario: expected a JSON object with tree, steps and trace (SCENARIOS.md), found ${line.slice(0, 60)}`);
    return [scenario];
  });
}

function parsed(line: string): Scenario | undefined {
  try {
    return JSON.parse(line) as Scenario; // the format is SCENARIOS.md's
  } catch {
    return undefined; // it is said which line, and what was expected there
  }
}
