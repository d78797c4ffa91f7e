/** What a rule's actions speak of beside what the rule reads: the monitors that their templates name, `${monitors.NAME.…}`. Pure. */
import type { RuleConfig } from '../actors/rules/schema.ts';
import type { Declared } from '../proto/api.ts';

const NAMED = /\$\{\s*monitors\.([^.{}\s]+)/g;

/** The monitors that the templates of an action name. */
export const monitorsNamed = ({ spec }: { readonly spec: unknown }): readonly string[] => [
  ...new Set([...JSON.stringify(spec).matchAll(NAMED)].map(([, name = '']) => name)),
];

/** Every rule with the monitors that its actions name. */
export function withNeeds<D extends Declared>(declared: readonly D[]): readonly D[] {
  const named = new Map(declared.filter(({ kind }) => kind === 'action').map((one) => [one.name, monitorsNamed(one)]));
  return declared.map((one) => {
    if (one.kind !== 'rule') return one;
    const { actions, on_resolve } = one.spec as RuleConfig; // load.ts has checked it
    return { ...one, needs: [...new Set([...actions, ...on_resolve].flatMap((action) => named.get(action) ?? []))] };
  });
}
