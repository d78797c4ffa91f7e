/** The end of a rule that is no more: its alerts that are open end with it, and who was told is told. There is no actor any more to do it. */
import type { Execution, News, RulePort } from './port.ts';
import { Judge } from './judge.ts';
import type { RuleConfig } from './schema.ts';

/** What is owed to whoever was told of these alerts, as the rule said it when it was another: its actions, its words. */
export function endsOf(
  rule: string,
  before: RuleConfig,
  { instances }: Judge,
  { feed }: Pick<RulePort, 'feed'>,
  reason: string,
  nowMs: number,
): readonly Execution[] {
  const judge = new Judge(rule, before, [], { latest: (monitor) => feed.latest(monitor), hold: () => undefined });
  for (const { key, state } of instances) judge.add(key, state, nowMs);
  return judge.desk.newsOf(judge.close(judge.instances, reason, nowMs), judge.main, undefined).executions;
}

/** @param config as it was; left out: as it was when its state was last committed. Answers undefined where nothing is left of it. */
export async function closingOf(
  rule: string,
  config: RuleConfig | undefined,
  { load, instances, feed }: Pick<RulePort, 'load' | 'instances' | 'feed'>,
  reason: string,
  nowMs: number,
): Promise<News | undefined> {
  const stored = await load(rule);
  const as = config ?? stored?.config;
  if (!stored || !as) return undefined;
  const judge = new Judge(rule, as, [], { latest: (monitor) => feed.latest(monitor), hold: () => undefined });
  for (const { instance, state } of await instances(rule)) judge.add(instance, state, nowMs);
  if (!judge.program.each) judge.add('', stored, nowMs);
  return judge.desk.newsOf(judge.close(judge.instances, reason, nowMs), judge.main, undefined);
}
