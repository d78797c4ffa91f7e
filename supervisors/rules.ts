/** What rules are given of the store: where their state lies, what they owe, and what their monitors have seen before. */
import { monitorTypes } from '../actors/monitors/index.ts';
import type { StoredAs } from '../actors/monitors/monitor.ts';
import type { Job } from '../actors/job.ts';
import { Groups } from '../actors/outbox/groups.ts';
import type { Execution, News, RulePort, RuleState } from '../actors/rules/port.ts';
import type { AlertState } from '../actors/rules/alert/alert-state.ts';
import { closingOf } from '../actors/rules/closing.ts';
import type { RuleConfig } from '../actors/rules/schema.ts';
import type { Feed } from '../actors/feed.ts';
import type { Change } from '../actors/store/changes.ts';
import type { Match, MetricQuery } from '../actors/store/query/query.ts';
import type { Store } from '../actors/store/store.ts';
import type { Declared } from '../proto/api.ts';

type Lasting = Pick<RulePort, 'load' | 'instances' | 'monitors' | 'commit' | 'history'>;

type Kept = Pick<Store, 'ruleState' | 'ruleInstances' | 'commit' | 'eachMetric'>;

/**
 * @param declared the monitors, as they are declared now.
 * @param node what this node is called, where others share its database.
 */
export const rulesIn = (store: Kept, declared: () => readonly Declared[], node?: string, groups = new Groups()): Lasting => ({
  load: async (rule) => (await store.ruleState(rule)) as RuleState | undefined, // a rule has written it
  instances: async (rule) => (await store.ruleInstances(rule)).map(({ instance, state }) => ({ instance, state: state as AlertState })),
  monitors: () => new Set(declared().flatMap(({ kind, name }) => (kind === 'monitor' ? [name] : []))),
  commit: async (rule, news) => {
    const grouped = news.executions.map((one) => (one.suppressed === undefined ? { job: asDeclared(one.job, declared(), groups) } : one));
    const { state } = news;
    await store.commit(changesOf(rule, { ...news, executions: grouped, state: node === undefined ? state : { ...state, node } }));
    return owed(grouped);
  },
  async *history(monitor, path, fromMs) {
    const query = queryOf(
      declared().find(({ kind, name }) => kind === 'monitor' && name === monitor),
      monitor,
      path,
    );
    if (query)
      for await (const { timestamp, value } of store.eachMetric({ ...query, fromMs, order: 'oldest', limit: 10_000 })) yield { tsMs: timestamp, value };
  },
});

/** A rule is no more: its open alerts end with it, and nothing of its state is left. Of several nodes each forgets its own. */
export async function forgetRule(store: Kept, port: Lasting & Pick<RulePort, 'due'>, feed: Feed, rule: string, config?: RuleConfig): Promise<void> {
  const news = await closingOf(rule, config, { ...port, feed }, 'the rule was removed', Date.now());
  await store.commit([...(news ? changesOf(rule, news) : []), { set: 'forget_rule', rule }]);
  if (news) port.due(owed(news.executions));
}

const owed = (executions: readonly Execution[]): readonly Job[] => executions.flatMap(({ job, suppressed }) => (suppressed === undefined ? [job] : []));

/** As its action is declared now: with its group, and its end. */
function asDeclared(job: Job, declared: readonly Declared[], groups: Groups): Job {
  const action = declared.find(({ kind, name }) => kind === 'action' && name === job.action);
  const { group_by: by, group_wait = 0, expires_after } = (action?.spec ?? {}) as Declares;
  const bounded = expires_after === undefined ? job : { ...job, expiresMs: Date.now() + expires_after * 1_000 };
  return by ? groups.join(bounded, { by, waitMs: group_wait * 1_000 }, Date.now()) : bounded;
}

interface Declares {
  readonly group_by?: readonly string[];
  readonly group_wait?: number;
  readonly expires_after?: number;
}

const changesOf = (rule: string, { state, instances, episodes, executions }: News): readonly Change[] => [
  { set: 'rule_state', rule, state },
  ...instances.map((one): Change => ({ set: 'rule_instance', rule, ...one })),
  ...episodes.map((episode): Change => ({ set: 'episode', episode: { rule, ...episode } })),
  ...executions.map(
    ({ job, suppressed }): Change =>
      suppressed === undefined ? { set: 'job', job, status: 'queued' } : { set: 'job', job, status: 'suppressed', reason: suppressed },
  ),
];

/** Where the store has what a monitor has seen: that of a listener is there as it was sent, the rest as numbers by their paths. */
function queryOf(declared: Declared | undefined, monitor: string, path: readonly string[]): MetricQuery | undefined {
  const { type, config } = (declared?.spec ?? {}) as { readonly type?: string; readonly config?: unknown };
  const stored = monitorTypes.find((one) => one.type === type)?.stored;
  if (!stored) return { service: { is: `monitor:${monitor}` }, name: { is: path.join('.') } };
  return path.join('.') === 'value' ? selectionOf(stored(config as never)) : undefined;
}

function selectionOf(as: StoredAs | undefined): MetricQuery | undefined {
  if (!as) return undefined;
  const like = (pattern: string): Match => ({ like: pattern });
  return {
    ...(as.service === undefined ? {} : { service: like(as.service) }),
    ...(as.name === undefined ? {} : { name: like(as.name) }),
    tags: Object.fromEntries(Object.entries(as.tags).map(([key, pattern]) => [key, like(pattern)])),
  };
}
