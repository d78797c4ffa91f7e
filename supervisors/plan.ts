/** What a reload of the running node would do: the texts as admin would take them, beside what runs, and what its rules meant when they last committed. */
import type { AdminPort } from '../actors/admin/desk.ts';
import type { RuleState } from '../actors/rules/port.ts';
import type { Store } from '../actors/store/store.ts';
import { diff } from '../config/diff.ts';
import { declare } from '../config/load.ts';
import { planOf } from '../config/plan.ts';
import type { Declaration, Declared, OverlayEntry, PlacedFault, Source } from '../proto/api.ts';
import type { Plan } from '../proto/reports.ts';

interface Grounds {
  readonly store: Pick<Store, 'ruleState'>;
  /** The version that runs. */
  readonly lastVersion: AdminPort['lastVersion'];
  readonly secrets: { values(): Promise<Readonly<Record<string, string>>> };
  readonly readSources: () => readonly Source[];
  readonly environment: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sections that differ from those with which the node was started, if any. */
  readonly atRestart: (declaration: Declaration) => Pick<Plan, 'atRestart'>;
}

/** @param sources left out: those on disk. */
export async function planIn(
  { store, lastVersion, secrets, readSources, environment, env, atRestart }: Grounds,
  running: readonly Declared[],
  sources: readonly Source[] | undefined,
): Promise<Plan | { readonly faults: readonly PlacedFault[] }> {
  const last = await lastVersion();
  const overlay = (last?.overlay ?? []) as readonly OverlayEntry[]; // admin wrote it
  const declaration = declare({ sources: sources ?? readSources(), overlay, environment, secrets: await secrets.values() }, env);
  if (declaration.faults.length > 0) return { faults: declaration.faults };
  const edited = diff(running, declaration.declared).filter(({ do: verb, declared: { kind } }) => verb === 'replace' && kind === 'rule');
  const states = await Promise.all(
    edited.map(async ({ declared: { name } }) => [name, (await store.ruleState(name)) as RuleState | undefined] as const), // a rule wrote it
  );
  const meant = new Map(states.map(([name, state]) => [name, state?.meant]));
  return { version: last?.number ?? 0, ...planOf(running, declaration.declared, (rule) => meant.get(rule)), ...atRestart(declaration) };
}
