/**
 * The tables as a backup has them: the same for both engines, whatever each of them makes of it. Everything that is kept is here; a spec holds
 * this list against the databases themselves. What has been added later says what it is in an archive from before.
 */
import type { Cell } from '../query/program.ts';

/** integer: whole, within ±2⁵³ · real: any number, also what is no whole number of ms. */
export type Kind = 'text' | 'integer' | 'real' | 'blob';
export interface Column {
  readonly name: string;
  readonly kind: Kind;
  /** What it is in an archive that does not have it; undefined: such an archive is none of ours. */
  readonly absent: Cell | undefined;
}
export interface Table {
  readonly name: string;
  /** Its rows are in this order, which is that of their index. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** Samples, logs, and what is made of them: not the configuration and not what rules and actions owe. */
  readonly telemetry: boolean;
}

/** Of this list: grows when a newer archive can no longer be read by who knows only the one before. */
export const SCHEMA = 1;

/** `text?`: can be NULL. A pair: the kind, and what it is in an archive that does not have it. */
type Written = Kind | `${Kind}?` | readonly [Kind, Cell];
const columnOf = ([name, written]: readonly [string, Written]): Column => {
  if (typeof written !== 'string') return { name, kind: written[0], absent: written[1] };
  return written.endsWith('?') ? { name, kind: written.slice(0, -1) as Kind, absent: null } : { name, kind: written as Kind, absent: undefined };
};
const table =
  (telemetry: boolean) =>
  (name: string, key: string, columns: Readonly<Record<string, Written>>): Table => ({
    name,
    key: key.split(' '),
    columns: Object.entries(columns).map(columnOf),
    telemetry,
  });
const [journal, telemetry] = [table(false), table(true)];

/** In the order in which they are written and read. */
export const TABLES: readonly Table[] = [
  journal('config_versions', 'number', { number: 'integer', at_ms: 'real', author: 'text', reason: 'text', diff: 'text', overlay: 'text' }),
  journal('rule_states', 'rule', { rule: 'text', state: 'text' }),
  journal('rule_instances', 'rule instance', { rule: 'text', instance: 'text', state: 'text' }),
  journal('monitor_states', 'monitor', { monitor: 'text', at_ms: 'real', fields: 'text' }),
  journal('episodes', 'id', { id: 'text', rule: 'text', instance: ['text', ''], severity: 'text', details: 'text', started_ms: 'real', ended_ms: 'real?' }),
  journal('jobs', 'id', {
    ...{ id: 'text', rule: 'text', action: 'text', status: 'text', reason: 'text?', attempts: 'integer', due_ms: 'real', created_ms: 'real', job: 'text' },
    ...{ owner: 'text?', lease_ms: 'real?', fence: 'integer' },
    ...{ priority: ['integer', 1], group_id: 'text?', expires_ms: 'real?', base: ['integer', 0] },
  }),
  journal('attempts', 'job_id number', {
    job_id: 'text',
    number: 'integer',
    started_ms: 'real',
    duration_ms: 'real',
    outcome: 'text',
    reason: 'text?',
    class: 'text?',
  }),
  journal('retained', 'topic', { topic: 'text', at_ms: 'real', qos: 'integer', payload: 'blob' }),
  journal('audit', 'id', { id: 'integer', at_ms: 'real', author: 'text', action: 'text', subject: 'text', outcome: 'text' }),
  journal('api_keys', 'id', { id: 'text', name: 'text', hash: 'blob', roles: 'text', created_ms: 'real', expires_ms: 'real?' }),
  // Up to which batch the rules have judged. NULL: the node that is backed up; others share its database.
  journal('nodes', 'node', { node: 'text?', judged: 'integer' }),
  // Before the samples, since these refer to them.
  telemetry('series', 'id', { id: 'integer', service: 'text', name: 'text', tags: 'text' }),
  telemetry('unjudged', 'node seq', {
    ...{ node: 'text?', seq: 'integer', at_ms: 'real', protocol: 'text', series: 'blob', ts: 'blob', value: 'blob', texts: 'text' },
  }),
  // `rolled`: the instant before which all is down-sampled.
  telemetry('marks', 'name', { name: 'text', value: 'integer' }),
  // What retention has taken of a series: samples and minutes before these.
  telemetry('removed', 'series_id', { series_id: 'integer', raw_before: 'integer', minutes_before: 'integer' }),
  telemetry('stale_rollups', 'series_id ts', { series_id: 'integer', ts: 'integer' }),
  telemetry('late_points', 'id', { id: 'integer', series_id: 'integer', ts: 'integer', value: 'real' }),
  telemetry('logs', 'id', { id: 'integer', ts: 'integer', service: 'text', level: 'text', message: 'text', tags: 'text' }),
  telemetry('traces', 'trace_id span_id', {
    ...{ trace_id: 'text', span_id: 'text', parent_id: 'text?', ts: 'integer', duration_ms: 'real' },
    ...{ service: 'text', name: 'text', status: 'text', tags: 'text' },
  }),
  telemetry('rollups', 'series_id step ts', {
    ...{ series_id: 'integer', step: 'integer', ts: 'integer', count: 'integer', sum: 'real?', min: 'real', max: 'real' },
    ...{ first: 'real', first_at: 'integer', last: 'real', last_at: 'integer', increase: 'real?', sketch: 'blob' },
  }),
  // seq counts the samples of one instant of one series from 0, whatever the engine makes of it.
  telemetry('points', 'series_id ts seq', { series_id: 'integer', ts: 'integer', seq: 'integer', value: 'real' }),
];
