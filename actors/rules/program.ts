/** A rule once it is read: its conditions compiled, what they read, how its alert lives. Pure. */
import { glob } from '../glob.ts';
import type { EachRead, Read, Reads } from '../feed.ts';
import { compile, type Compiled, ConditionError, type Facts, type Truth, truthOf } from './condition/compile.ts';
import { parseCondition } from './condition/condition.ts';
import { type Identity, identityOf } from './condition/identity.ts';
import { at } from './values/values.ts';
import type { Window } from './condition/operators-window.ts';
import type { RuleConfig } from './schema.ts';
import { calls, nodes, reads, type Tree, windows, words } from './condition/tree.ts';
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
  readonly each: EachRead | undefined;
  /** Whose trouble holds its notifications back: monitors by their `up`, rules by their `firing`. */
  readonly dependsOn: readonly Dependency[];
  /** Whether what this monitor sees is data to it: not so what other rules say of themselves, and what it only depends on. Left out: all is. */
  readonly isData: ((monitor: string) => boolean) | undefined;
  /** The monitors whose states its alerts show. */
  readonly monitors: readonly string[];
  /** Whether its conditions call custom functions. */
  readonly asks: boolean;
  /** Whether they ask what was seen before. */
  readonly looksBack: boolean;
}

/** @param needs monitors whose states the rule's actions name beside those that it reads. */
export const programOf = (config: RuleConfig, needs: readonly string[]): Program => new Compilation(config, needs);

/** The tree of one of a rule's conditions, which load.ts has checked. */
function treeOf(config: RuleConfig, key: 'condition' | 'clear_when'): Tree {
  const parsed = parseCondition(config[key], config.parameters, '', 'any');
  if (!('condition' in parsed)) throw new TypeError(`rule ${config.name}: ${key}${parsed.faults[0]?.path} is not a condition`);
  return parsed.condition;
}

/**
 * What is evaluated is kept, and the condition as it is written, which the configuration has anyway. The tree, which is as large as both, is made anew
 * for whoever has it explained, and is gone with the next collection.
 */
class Condition implements Part {
  readonly holds: Compiled;
  readonly windows: readonly Window[];
  readonly #config: RuleConfig;
  readonly #key: 'condition' | 'clear_when';
  #tree: WeakRef<Tree> | undefined;

  constructor(tree: Tree, config: RuleConfig, key: 'condition' | 'clear_when') {
    this.holds = compile(tree);
    this.windows = listOf(windows(tree));
    this.#config = config;
    this.#key = key;
  }
  get tree(): Tree {
    const there = this.#tree?.deref();
    if (there) return there;
    const tree = treeOf(this.#config, this.#key);
    this.#tree = new WeakRef(tree);
    return tree;
  }
}

class Compilation implements Program {
  readonly condition: Part;
  readonly clear: Part | undefined;
  readonly life: Life;
  readonly dependsOn: readonly Dependency[];
  readonly reads: Reads;
  readonly each: Program['each'];
  readonly monitors: readonly string[];
  readonly isData: Program['isData'];
  readonly asks: boolean;
  readonly looksBack: boolean;
  readonly #config: RuleConfig;
  #identity: WeakRef<Identity> | undefined;

  constructor(config: RuleConfig, needs: readonly string[]) {
    const { clear_when, for_each } = config;
    const tree = treeOf(config, 'condition');
    const clear = clear_when === undefined ? undefined : treeOf(config, 'clear_when');
    const trees = clear ? [tree, clear] : [tree];
    const fields = merged(trees);
    this.condition = new Condition(tree, config, 'condition');
    this.clear = clear && new Condition(clear, config, 'clear_when');
    this.life = lifeOf(config);
    this.dependsOn = listOf(dependenciesOf(config));
    this.reads = readsOf(config, ...trees);
    this.each = for_each === undefined ? undefined : { matches: glob(for_each), fields: fields.get(EACH) ?? [] };
    this.monitors = [...new Set([...fields.keys(), ...needs])].filter((monitor) => monitor !== EACH || for_each === undefined);
    this.isData = dataOf(config, [...fields.keys()]);
    this.asks = trees.some((one) => calls(one).length > 0);
    this.looksBack = trees.some((one) => nodes(one).some((node) => node.kind === 'leaf' && node.op === 'changed'));
    this.#config = config;
  }

  get identity(): Identity {
    const there = this.#identity?.deref();
    if (there) return there;
    const { mode, for_each } = this.#config;
    const identity = identityOf({ mode, forEach: for_each, condition: this.condition.tree, clearWhen: this.clear?.tree });
    this.#identity = new WeakRef(identity);
    return identity;
  }
}

/** Most rules have none of many things: these share one list. */
const NONE: readonly never[] = [];
const listOf = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? NONE : list);

/** A condition of nothing but other rules has no data but these. */
function dataOf({ monitor, for_each, depends_on }: RuleConfig, read: readonly string[]): Program['isData'] {
  const own = [...new Set([...read, ...(monitor === undefined ? [] : [monitor].flat())])].filter((one) => !one.startsWith('rule:') && one !== EACH);
  if ((depends_on.length === 0 && read.every((one) => !one.startsWith('rule:'))) || (own.length === 0 && for_each === undefined)) return undefined;
  const each = for_each === undefined ? undefined : glob(for_each);
  return (one) => own.includes(one) || each?.(one) === true;
}

/** Which monitors and fields wake a rule: those that `monitor` names, else those that its conditions read. */
export function readsOf(config: Pick<RuleConfig, 'monitor' | 'for_each' | 'depends_on'>, ...trees: readonly Tree[]): Reads {
  const { monitor, for_each } = config;
  const fields = merged(trees);
  if (for_each !== undefined) fields.delete(EACH);
  const named = monitor === undefined ? [...fields.keys()] : [monitor].flat();
  const reads = new Map(named.map((name): [string, Read] => [name, fields.get(name) ?? 'all']));
  for (const { monitor, field } of dependenciesOf(config)) reads.set(monitor, joined(reads.get(monitor), [field]));
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

function merged(trees: readonly Tree[]): Map<string, Read> {
  const fields = new Map<string, Read>();
  for (const [monitor, read] of trees.flatMap((tree) => [...reads(tree).monitors]))
    fields.set(monitor, joined(fields.get(monitor), read === 'all' ? read : [...read]));
  return fields;
}
const joined = (some: Read | undefined, more: Read): Read => (some === 'all' || more === 'all' ? 'all' : [...new Set([...(some ?? []), ...more])]);

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
