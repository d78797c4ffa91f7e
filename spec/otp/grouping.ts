/**
 * What happened, as the events of a trace: in order, except where OTP gives none (SCENARIOS.md, section 6). Those stand in
 * chains, one for each child of a supervisor that shuts all its children down at once, or dies with children left.
 */
import type { TraceEvent } from './scenario.ts';
import type { Happening, Instance } from './world.ts';

/** A group of chains without an order among each other. */
type Group = Map<Instance, Item[]>;
type Item = readonly unknown[] | Group;

export function traceOf(log: readonly Happening[]): TraceEvent[] {
  const opened = openings(log);
  const main: Item[] = [];
  const routes = new Map<Instance, Item[]>();
  const shuttingDown = new Map<Instance, Group>();
  const listOf = (one: Instance | undefined): Item[] => {
    for (let at = one; at; at = at.parent) {
      const list = routes.get(at);
      if (list) return list;
    }
    return main;
  };
  const add = (group: Group, child: Instance): void => {
    const chain: Item[] = [];
    group.set(child, chain);
    routes.set(child, chain);
  };
  for (const one of log) {
    if (one.what === 'note') listOf(one.under).push(one.event);
    else if (one.what === 'signal') {
      if (!opened.has(one)) continue;
      const group = shuttingDown.get(one.by) ?? new Map();
      shuttingDown.set(one.by, group);
      add(group, one.to);
    } else {
      const list = listOf(one.of);
      const before = one.event[0] === 'down' && shuttingDown.get(one.of);
      if (before) list.push(before);
      list.push(one.event);
      const after: Group = new Map();
      for (const child of one.left) add(after, child);
      list.push(after);
    }
  }
  return flat(main);
}

/**
 * The signals by which a simple_one_for_one supervisor that then dies shuts down its children: the last that it sent at one
 * moment to all that lived, each child's first one counting. (terminate_child signals one of them, and waits for its end.)
 */
function openings(log: readonly Happening[]): ReadonlySet<Happening> {
  const opened = new Set<Happening>();
  const batches = new Map<Instance, { at: number; readonly signals: Happening[] }>();
  const signalled = new Set<Instance>();
  let events = 0;
  for (const one of log) {
    if (one.what !== 'signal') events++;
    if (one.what === 'signal' && one.by.kind === 'simple' && !signalled.has(one.to)) {
      signalled.add(one.to);
      const batch = batches.get(one.by);
      if (batch?.at === events) batch.signals.push(one);
      else batches.set(one.by, { at: events, signals: [one] });
    } else if (one.what === 'event' && one.event[0] === 'down') {
      const signals = batches.get(one.of)?.signals ?? [];
      const [first] = signals;
      if (first?.what === 'signal' && first.among === signals.length) for (const signal of signals) opened.add(signal);
    }
  }
  return opened;
}

function flat(items: readonly Item[]): TraceEvent[] {
  return items.flatMap((item): TraceEvent[] => {
    if (!(item instanceof Map)) return [item as TraceEvent];
    const chains = [...item].sort(([a], [b]) => (a.path === b.path ? a.n - b.n : a.path < b.path ? -1 : 1)).map(([, chain]) => flat(chain));
    const full = chains.filter((chain) => chain.length > 0);
    return full.length > 1 ? [{ unordered: full }] : (full[0] ?? []);
  });
}
