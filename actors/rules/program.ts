/** A rule once it is read: its conditions compiled, what they read, how its alert lives. Pure. */
import { glob } from '../glob.ts';
import type { Reads } from '../feed.ts';
import { compile, type Compiled, ConditionError, type Facts, type Truth, truthOf } from './condition/compile.ts';
import { parseCondition } from './condition/condition.ts';
import { type Identity, identityOf } from './condition/identity.ts';
import { at } from './values/values.ts';
import type { Window } from './condition/operators-window.ts';
import type { RuleConfig } from './schema.ts';
import { reads, type Tree, windows, words } from './condition/tree.ts';
import type { Life } from './alert/verdict.ts';

/** How the monitor of an instance is called in the conditions of a rule with `for_each`. */
export const EACH = 'monitor';

/** One of the two conditions of a rule. */
export interface Part {
  readonly tree: Tree;
  readonly holds: Compiled;
  readonly windows: readonly Window[];
}
export interface Dependency {
  /** As it is written. */
  readonly name: string;
  /** The monitor, `rule:NAME` for a rule, and the field with the value that means trouble. */
  readonly monitor: string;
  readonly field: 'up' | 'firing';
}
export interface Program {
  readonly condition: Part;
  readonly clear: Part | undefined;
  readonly life: Life;
  readonly identity: Identity;
  /** Which fields of which monitors wake it; and, with `for_each`, which of every monitor that has an instance. */
  readonly reads: Reads;
  readonly each: { readonly matches: (monitor: string) => boolean; readonly fields: ReadonlySet<string> | 'all' } | undefined;
  /** Whose trouble holds its notifications back: monitors by their `up`, rules by their `firing`. */
  readonly dependsOn: readonly Dependency[];
  /** The monitors whose states its alerts show. */
  readonly monitors: readonly string[];
}

/** @param needs monitors whose states the rule's actions name beside those that it reads. */
export function programOf(name: string, config: RuleConfig, needs: readonly string[]): Program {
  const part = (json: unknown): Part => {
    const parsed = parseCondition(json, config.parameters);
    if (!('condition' in parsed)) throw new TypeError(`rule ${name}: ${parsed.faults[0]?.path} is not a condition`); // load.ts has checked it
    return { tree: parsed.condition, holds: compile(parsed.condition), windows: windows(parsed.condition) };
  };
  const condition = part(config.condition);
  const clear = config.clear_when === undefined ? undefined : part(config.clear_when);
  const trees = [condition, ...(clear ? [clear] : [])].map(({ tree }) => tree);
  const fields = merged(trees);
  return {
    condition,
    clear,
    life: lifeOf(config),
    dependsOn: dependenciesOf(config),
    identity: identityOf({ mode: config.mode, forEach: config.for_each, condition: condition.tree, clearWhen: clear?.tree }),
    reads: readsOf(config, ...trees),
    each: config.for_each === undefined ? undefined : { matches: glob(config.for_each), fields: fields.get(EACH) ?? new Set() },
    monitors: [...new Set([...fields.keys(), ...needs])].filter((monitor) => monitor !== EACH || config.for_each === undefined),
  };
}

/** Which monitors and fields wake a rule: those that `monitor` names, else those that its conditions read. */
export function readsOf(config: Pick<RuleConfig, 'monitor' | 'for_each' | 'depends_on'>, ...trees: readonly Tree[]): Reads {
  const { monitor, for_each } = config;
  const fields = merged(trees);
  if (for_each !== undefined) fields.delete(EACH);
  const named = monitor === undefined ? [...fields.keys()] : [monitor].flat();
  const reads = new Map(named.map((name): [string, ReadonlySet<string> | 'all'] => [name, fields.get(name) ?? 'all']));
  for (const { monitor: on, field } of dependenciesOf(config)) {
    const there = reads.get(on) ?? new Set();
    if (there !== 'all') reads.set(on, new Set([...there, field]));
  }
  return reads;
}

const dependenciesOf = ({ depends_on }: Pick<RuleConfig, 'depends_on'>): readonly Dependency[] =>
  depends_on.map((name) => {
    const [monitor = ''] = words(name);
    return { name, monitor, field: monitor.startsWith('rule:') ? 'firing' : 'up' };
  });

/** The first of them that is in trouble. */
export const inTrouble = (dependsOn: readonly Dependency[], now: (monitor: string) => unknown): Dependency | undefined =>
  dependsOn.find(({ monitor, field }) => at(now(monitor), [field]) === (field === 'firing'));

function merged(trees: readonly Tree[]): Map<string, ReadonlySet<string> | 'all'> {
  const fields = new Map<string, ReadonlySet<string> | 'all'>();
  for (const [monitor, read] of trees.flatMap((tree) => [...reads(tree).monitors])) {
    const there = fields.get(monitor) ?? new Set();
    fields.set(monitor, there === 'all' || read === 'all' ? 'all' : new Set([...there, ...read]));
  }
  return fields;
}

const lifeOf = (config: RuleConfig): Life => ({
  mode: config.mode,
  forMs: config.for * 1_000,
  keepFiringForMs: config.keep_firing_for * 1_000,
  cooldownMs: config.cooldown * 1_000,
  noData: config.no_data && { afterMs: config.no_data.after * 1_000, policy: config.no_data.policy },
  onError: config.on_error,
});

/** What a condition comes to; an evaluation that fails is told as its error. */
export function verdictOf({ holds }: Part, facts: Facts): { readonly truth: Truth; readonly error?: string } {
  try {
    return { truth: truthOf(holds(facts)) };
  } catch (error) {
    if (error instanceof ConditionError) return { truth: undefined, error: error.message };
    throw error;
  }
}
