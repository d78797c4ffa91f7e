/** What the node knows of itself in numbers: Prometheus counters, gauges and histograms, one registry for the process. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { type Process, processes } from '../lib/process.ts';

export const registry = new Registry();
const registers = [registry];

/** Every item is accounted for: received = stored + rejected + shed. */
export const received = new Counter({
  name: 'argos_items_received_total',
  help: 'Items that listeners took from the wire.',
  labelNames: ['protocol'] as const,
  registers,
});
export const stored = new Counter({
  name: 'argos_items_stored_total',
  help: 'Items that the store has committed.',
  labelNames: ['protocol'] as const,
  registers,
});
export const rejected = new Counter({
  name: 'argos_items_rejected_total',
  help: 'Items that were refused, by reason.',
  labelNames: ['protocol', 'reason'] as const,
  registers,
});
export const shed = new Counter({
  name: 'argos_items_shed_total',
  help: 'Items that were dropped under load or because the store was away, by reason.',
  labelNames: ['protocol', 'reason'] as const,
  registers,
});

export const observations = new Counter({
  name: 'argos_observations_total',
  help: 'Observations that monitors made.',
  labelNames: ['monitor'] as const,
  registers,
});
export const unrecorded = new Counter({
  name: 'argos_unrecorded_samples_total',
  help: 'Numbers that a monitor saw and that were not kept: the store was away or behind, or the monitor has too many names.',
  labelNames: ['monitor'] as const,
  registers,
});
export const unjudged = new Counter({
  name: 'argos_unjudged_total',
  help: 'Messages to a rule or push monitor that were given up: too many came while it was away, or it crashed on them again and again.',
  labelNames: ['reader'] as const,
  registers,
});
/** Evaluations of one rule, by what came out. Its rule counts them here: to look up the labels takes longer than to evaluate. */
export type Tally = Record<'true' | 'false' | 'unknown' | 'error', number>;
const tallies = new Map<string, Tally>();
export function tallyOf(rule: string): Tally {
  const tally = tallies.get(rule) ?? { true: 0, false: 0, unknown: 0, error: 0 };
  tallies.set(rule, tally);
  return tally;
}
export const evaluations = new Counter({
  name: 'argos_rule_evaluations_total',
  help: 'Evaluations of a rule, by what came out.',
  labelNames: ['rule', 'result'] as const,
  registers,
  collect() {
    this.reset();
    for (const [rule, tally] of tallies) for (const [result, count] of Object.entries(tally)) if (count > 0) this.inc({ rule, result }, count);
  },
});
export const evaluationSeconds = new Histogram({
  name: 'argos_rule_evaluation_seconds',
  help: 'From the observation to the verdict on it.',
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  registers,
});
export const functionCalls = new Counter({
  name: 'argos_function_calls_total',
  help: 'Calls of custom functions, by how they ended: answered, or why there was no answer.',
  labelNames: ['function', 'outcome'] as const,
  registers,
});
export const executions = new Counter({
  name: 'argos_executions_total',
  help: 'Attempts to carry out an action, by how they ended.',
  labelNames: ['action', 'outcome'] as const,
  registers,
});
/** Set by the outbox. */
export const outbox: { held: () => number; shut: () => readonly string[] } = { held: () => 0, shut: () => [] };
new Gauge({
  name: 'argos_destination_shut',
  help: 'Destinations to which nobody is sent: their circuit breakers are open.',
  labelNames: ['destination'] as const,
  registers,
  collect() {
    this.reset();
    for (const destination of outbox.shut()) this.set({ destination }, 1);
  },
});
new Gauge({
  name: 'argos_executions_open',
  help: 'Executions that the outbox has claimed: they run, or are the next to run. What waits stands in the store.',
  registers,
  collect() {
    this.set(outbox.held());
  },
});
export const executionStartSeconds = new Histogram({
  name: 'argos_execution_start_seconds',
  help: 'From the observation that fired a rule to the start of the first attempt.',
  buckets: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
  registers,
});
export const restarts = new Counter({
  name: 'argos_restarts_total',
  help: 'Processes that ended and were restarted by a supervisor, by child.',
  labelNames: ['child'] as const,
  registers,
});
export const commitSeconds = new Histogram({
  name: 'argos_store_commit_seconds',
  help: 'From a request to the store to its commit.',
  buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  registers,
});

function storeGauge(name: string, help: string): Gauge {
  const gauge = new Gauge({ name: `argos_store_${name}`, help, registers });
  gauge.set(Number.NaN); // unknown, until the store has been looked at
  return gauge;
}
/** Set by the store's actor every few seconds. */
export const store = {
  sizeBytes: storeGauge('size_bytes', 'What the store takes up: pages in use and the write-ahead log.'),
  walBytes: storeGauge('wal_bytes', 'The write-ahead log of the store.'),
  diskFreeBytes: storeGauge('disk_free_bytes', 'What is free on the disk of the store.'),
  growthBytesPerDay: storeGauge('growth_bytes_per_day', 'How fast the store grows, over the last hours.'),
  oldestSampleSeconds: storeGauge('oldest_sample_timestamp_seconds', 'The time of the oldest sample or log.'),
  commitP99Seconds: storeGauge('commit_p99_seconds', 'From the begin of a group of writes to the end of its commit, 99th percentile of the last minute.'),
  fsyncP99Seconds: storeGauge('fsync_p99_seconds', 'The end of a commit alone, which waits for the disk: 99th percentile of the last minute.'),
  waiting: storeGauge('waiting', 'Requests to the store that wait for the same commit.'),
};

/** What the actors themselves tell, by name; supervisors have nothing to hide but little to say. Read when it is asked for. */
const perProcess = { labelNames: ['process'] as const, registers };
new Gauge({
  ...perProcess,
  name: 'argos_process_mailbox_length',
  help: 'Messages that wait in the mailbox of a process.',
  collect() {
    this.reset();
    for (const { name, queueLength } of named()) this.inc({ process: name }, queueLength);
  },
});
new Counter({
  ...perProcess,
  name: 'argos_process_handled_total',
  help: 'Messages that a process has handled.',
  collect() {
    this.reset();
    for (const { name, handled } of named()) this.inc({ process: name }, handled);
  },
});
new Counter({
  ...perProcess,
  name: 'argos_process_busy_seconds_total',
  help: 'Time in the handlers of a process, that included for which they waited for something.',
  collect() {
    this.reset();
    for (const { name, busyMs } of named()) this.inc({ process: name }, busyMs / 1_000);
  },
});
const named = (): Process[] => [...processes()].filter(({ name, kind }) => name !== '' && kind !== 'supervisor');
