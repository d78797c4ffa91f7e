/** What a reload would do to what runs: each resource, and for each rule what becomes of its alerts, and why. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { type Identity, verdictOfEdit } from '../actors/rules/condition/identity.ts';
import { programOf } from '../actors/rules/program.ts';
import type { RuleConfig } from '../actors/rules/schema.ts';
import type { Declared } from '../proto/api.ts';
import type { Plan, PlannedRule } from '../proto/reports.ts';
import { type Change, diff } from './diff.ts';

/** @param meant what a rule meant when its state was committed last; undefined: it has none. */
export function planOf(
  running: readonly Declared[],
  wanted: readonly Declared[],
  meant: (rule: string) => Identity | undefined,
): Pick<Plan, 'resources' | 'rules'> {
  const changes = diff(running, wanted);
  return {
    resources: changes.map((change) => ({
      kind: change.declared.kind,
      name: change.declared.name,
      change: change.do,
      ...(change.do === 'replace' ? { differs: differing(change.before, change.declared) } : {}),
    })),
    rules: changes.filter(({ declared }) => declared.kind === 'rule').map((change) => ruleOf(change, meant(change.declared.name))),
  };
}

function ruleOf(change: Change, stored: Identity | undefined): PlannedRule {
  const { name } = change.declared;
  switch (change.do) {
    case 'start':
      return { name, state: 'new', reason: 'it is judged from its first event on' };
    case 'stop':
      return { name, state: 'removed', reason: 'an episode that is open ends, and whoever was told of it is told; its state is forgotten' };
    case 'keep':
      return { name, state: 'kept', reason: 'nothing of it changes' };
    case 'replace': {
      const { verdict, reason } = verdictOfEdit(stored ?? identityOf(change.before), identityOf(change.declared), differing(change.before, change.declared));
      return { name, state: verdict, reason };
    }
  }
}

const identityOf = ({ spec }: Declared): Identity => programOf(spec as RuleConfig, []).identity; // load.ts has checked it

/** The keys of the resource that differ, within its `config` too. */
function differing(before: Declared, after: Declared): readonly string[] {
  const keys = (a: unknown, b: unknown): readonly string[] => {
    const [left, right] = [new Map<string, unknown>(Object.entries(a ?? {})), new Map<string, unknown>(Object.entries(b ?? {}))];
    return [...new Set([...left.keys(), ...right.keys()])].flatMap((key) => {
      if (isDeepStrictEqual(left.get(key), right.get(key))) return [];
      return key === 'config' ? keys(left.get(key), right.get(key)).map((inner) => `config.${inner}`) : [key];
    });
  };
  const own = keys(before.spec, after.spec);
  return own.length > 0 ? own : ['the monitors that its actions name'];
}
