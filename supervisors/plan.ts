/** What a reload of the running node would do: the texts as admin would take them, beside what runs, and what its rules meant when they last committed. */
import type { RuleState } from '../actors/rules/port.ts';
import type { Store } from '../actors/store/store.ts';
import { declare } from '../config/load.ts';
import { planOf } from '../config/plan.ts';
import type { Declaration, Declared, OverlayEntry, PlacedFault, Source } from '../proto/api.ts';
import type { Plan } from '../proto/reports.ts';

interface Grounds {
  readonly store: Pick<Store, 'versions' | 'ruleState'>;
  readonly secrets: { values(): Promise<Readonly<Record<string, string>>> };
  readonly readSources: () => readonly Source[];
  readonly environment: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sections that differ from those with which the node was started, if any. */
  readonly atRestart: (declaration: Declaration) => Pick<Plan, 'atRestart'>;
}

/** @param sources left out: those on disk. */
export async function planIn(
  { store, secrets, readSources, environment, env, atRestart }: Grounds,
  running: readonly Declared[],
  sources: readonly Source[] | undefined,
): Promise<Plan | { readonly faults: readonly PlacedFault[] }> {
  const [last] = await store.versions(1);
  const overlay = (last?.overlay ?? []) as readonly OverlayEntry[]; // admin wrote it
  const declaration = declare({ sources: sources ?? readSources(), overlay, environment, secrets: await secrets.values() }, env);
  if (declaration.faults.length > 0) return { faults: declaration.faults };
  const states = await Promise.all(
    running.filter(({ kind }) => kind === 'rule').map(async ({ name }) => [name, (await store.ruleState(name)) as RuleState | undefined] as const), // a rule wrote it
  );
  const meant = new Map(states.map(([name, state]) => [name, state?.meant]));
  return { version: last?.number ?? 0, ...planOf(running, declaration.declared, (rule) => meant.get(rule)), ...atRestart(declaration) };
}
