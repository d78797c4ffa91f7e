/**
 * Templates of actions: `${rule.…}`, `${monitor.…}`, `${monitors.NAME.…}`, `${event.…}`, `${system.timestamp}`, filled in once, when an action
 * runs, and escaped for where each value lands. What is filled in is never read for references again. Pure.
 */
import type { Alert } from '../alert.ts';
import type { Job } from '../job.ts';
import { nearest } from '../schema.ts';

type Part = string | { readonly reference: string };
export type Escape = (value: unknown, before: string) => string;
/** Values by path. */
export type Context = Readonly<Record<string, unknown>>;

/** A reference that leads nowhere in this alert. No later try can mend it. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const REFERENCE = /\$\{([^{}]*)\}/g;
const LONGEST = 1_048_576;
const FORBIDDEN = new Set(['__proto__', 'prototype', 'constructor']);
const KEYS: Readonly<Record<string, readonly string[]>> = {
  rule: ['name', 'description', 'severity', 'state', 'episode', 'details', 'since', 'labels', 'parameters'],
  system: ['timestamp'],
  monitor: ['name', 'data'],
  alerts: ['count', 'lines', 'all'],
};

/** What the templates of a job may speak of. `system.timestamp` is when the verdict was reached, the same at every attempt. */
export const contextOf = ({ alert, alerts = [alert] }: Pick<Job, 'alert' | 'alerts'>): Context => {
  const at = new Date(alert.atMs).toISOString();
  return {
    rule: {
      name: alert.rule,
      description: alert.description,
      severity: alert.severity,
      labels: alert.labels,
      state: alert.state,
      episode: alert.episode,
      details: alert.details,
      since: new Date(alert.sinceMs).toISOString(),
      parameters: alert.parameters,
    },
    monitor: {
      name: alert.monitor ?? null,
      data: alert.monitor !== undefined && Object.hasOwn(alert.monitors, alert.monitor) ? alert.monitors[alert.monitor] : alert.event,
    },
    monitors: alert.monitors,
    event: alert.event,
    alerts: { count: alerts.length, lines: alerts.map(lineOf).join('\n'), all: alerts },
    system: { timestamp: at },
  };
};

const lineOf = ({ rule, state, severity, details }: Alert): string => `${rule} is ${state} (${severity}): ${details}`;

/** Why a reference of a template can never be filled in; undefined when it may be. */
export function templateFault(text: string): { readonly expected: string; readonly nearest?: string | undefined; readonly got: string } | undefined {
  for (const part of parse(text)) {
    if (typeof part === 'string') continue;
    const [root = '', key = ''] = part.reference.split('.');
    const got = `\${${part.reference}}`;
    const roots = ['rule', 'monitor', 'monitors', 'event', 'alerts', 'system'];
    if (!roots.includes(root))
      return {
        expected: `a reference to ${roots.map((one) => `${one}.…`).join(', ')}`,
        got,
        nearest: nearest(root, [...roots, 'parameters', 'env', 'secrets']),
      };
    const keys = KEYS[root];
    if (keys && !keys.includes(key)) return { expected: `${root}.${keys.join(`, ${root}.`)}`, got, nearest: nearest(key, keys) };
    if (key === '') return { expected: `a name behind ${root}.`, got };
  }
  return undefined;
}

/** Fill a template in. @throws TemplateError for a reference that leads nowhere, or a result of more than a million characters. */
export function render(text: string, context: Context, escapeFor: Escape): string {
  let out = '';
  for (const part of parse(text)) {
    out += typeof part === 'string' ? part : escapeFor(lookup(part.reference, context), out);
    if (out.length > LONGEST) throw new TemplateError(`the text grows over ${LONGEST} characters`);
  }
  return out;
}

/** A template that is one whole reference keeps the type of what it names; any other becomes a text. */
export function renderValue(text: string, context: Context): unknown {
  const [first, ...more] = parse(text);
  return more.length === 0 && typeof first === 'object' ? lookup(first.reference, context) : render(text, context, plain);
}

/** Texts as they are, all else as JSON. */
export const plain: Escape = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
/** One line: for headers and subjects. */
export const line: Escape = (value, before) => plain(value, before).replace(/[\0-\x1f\x7f]+/g, ' ');
/** A header carries bytes: what is not ASCII goes as UTF-8 (RFC 9110 §5.5). */
export const headerLine = (text: string, context: Context): string => Buffer.from(render(text, context, line)).toString('latin1');
export const html: Escape = (value, before) => plain(value, before).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
export const urlComponent: Escape = (value, before) => encodeURIComponent(plain(value, before).toWellFormed()); // half a surrogate pair has no UTF-8

/** Inside a JSON string the value becomes part of that string; elsewhere it is a JSON value by itself. The document stays well formed. */
export const json: Escape = (value, before) => (insideString(before) ? JSON.stringify(plain(value, before)).slice(1, -1) : JSON.stringify(value));

function insideString(before: string): boolean {
  let inside = false;
  for (let i = 0; i < before.length; i++) {
    if (before[i] === '"') inside = !inside;
    else if (inside && before[i] === '\\') i++;
  }
  return inside;
}

function parse(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ reference: (match[1] ?? '').trim() });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

function lookup(reference: string, context: Context): unknown {
  let value: unknown = context;
  for (const name of reference.split('.')) {
    const there = typeof value === 'object' && value !== null && Object.hasOwn(value, name) && !FORBIDDEN.has(name);
    if (!there) throw new TemplateError(`\${${reference}} leads nowhere: there is no ${name}`);
    value = (value as Context)[name];
  }
  return value ?? null;
}
