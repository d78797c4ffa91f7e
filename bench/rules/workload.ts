/** The storm's workload: rules of four comparisons over monitors that are pushed, so that each event concerns as many of them. */
import { Registry } from '../../lib/registry.ts';
import type { Feed } from '../../actors/feed.ts';
import { logger } from '../../actors/logger.ts';
import type { Names } from '../../actors/names.ts';
import type { News, RulePort } from '../../actors/rules/port.ts';
import type { RuleConfig } from '../../actors/rules/schema.ts';

/** Ten for each monitor. */
export const RULES = Number(process.env.RULES ?? 10_000);
export const MONITORS = RULES / 10;

export const monitorOf = (i: number): string => `m${i % MONITORS}`;

/** Four comparisons with values of its own; as they come from a file, no object is shared. `path`: of the field of that number. */
export function conditionOf(i: number, path: (n: number) => string): unknown {
  const leaf = (n: number, op: string, value: unknown): object => ({ field: `${monitorOf(i)}.${path(n)}`, op, value });
  return structuredClone({
    or: [{ and: [leaf(0, '>', 80.5 + i / RULES), leaf(1, '<', 0.25 + i / RULES)] }, { and: [leaf(2, '==', `unit-${i}`), leaf(3, '>=', 1_000.5 + i)] }],
  });
}

/** A rule as the configuration has it, its defaults filled in. */
export const ruleOf = (i: number, condition: unknown, more: Partial<RuleConfig> = {}): RuleConfig => ({
  name: `rule_${i}`,
  description: '',
  condition,
  on_error: 'keep',
  depends_on: [],
  mode: 'alert',
  severity: 'warning',
  labels: {},
  for: 0,
  keep_firing_for: 0,
  cooldown: 0,
  actions: ['act'],
  on_resolve: [],
  parameters: {},
  ...more,
});

/** A store in memory, which has nothing and takes everything at once. */
export function memoryPort(feed: Feed, committed: (news: News) => void = () => {}): RulePort {
  const names: Names = new Registry();
  return {
    names,
    feed,
    log: logger('bench'),
    load: async () => undefined,
    monitors: () => new Set(),
    instances: async () => [],
    commit: async (_rule, news) => {
      committed(news);
      return [];
    },
    hold: () => undefined,
    storedUpTo: () => 0,
    call: async () => undefined,
    due: () => {},
    async *history() {},
  };
}
