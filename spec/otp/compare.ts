/** Two traces, compared as SCENARIOS.md says (chains and sets have no order), and shown side by side, event by event. */
import type { Entry, Json, Scenario, Step, Trace, TraceEvent } from './scenario.ts';

/** One text for all that is equal. */
export function canonical(json: Json): string {
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  if (Array.isArray(json)) return `[${json.map(canonical).join()}]`;
  const unordered = (key: string, value: Json): string =>
    (key === 'unordered' || key === 'set') && Array.isArray(value) ? `[${value.map(canonical).sort().join()}]` : canonical(value);
  const fields = Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${unordered(key, value)}`).join()}}`;
}

/** The difference between the recorded and the replayed trace, as text; undefined when there is none. */
export function difference(scenario: Scenario, actual: Trace, withReports: boolean): string | undefined {
  const expected = linesOf(scenario, scenario.trace, withReports);
  const replayed = linesOf(scenario, actual, withReports);
  if (expected.join('\n') === replayed.join('\n')) return undefined;
  const title = [scenario.id, scenario.rule].filter((part) => part !== undefined).join(': ');
  return [`${title} (- recorded, + replayed)`, ...diff(expected, replayed)].join('\n');
}

function linesOf({ steps }: Scenario, trace: Trace, withReports: boolean): string[] {
  const lines = ['start', ...entryLines(trace.start)];
  for (const [i, entry] of trace.steps.entries()) lines.push(`step ${i + 1}: ${stepText(steps[i])}`, ...entryLines(entry, steps[i]));
  lines.push(`alive: ${trace.alive.join(' ')}`, `top: ${canonical(trace.top)}`);
  for (const [name, children] of Object.entries(trace.state).sort(([a], [b]) => (a < b ? -1 : 1))) lines.push(`state of ${name}: ${canonical(children)}`);
  if (withReports) for (const report of trace.reports ?? []) lines.push(`report ${canonical(report)}`);
  return lines;
}

function entryLines(entry: Entry, step?: Step): string[] {
  const lines = 'r' in entry && entry.r !== undefined ? [`  = ${canonical(entry.r)}${entry.async === true ? ' (async)' : ''}`] : [];
  lines.push(...(entry.ev ?? []).flatMap((event) => eventLines(event, '  ')));
  for (const [i, inner] of (entry.steps ?? []).entries())
    lines.push(`  frozen: ${stepText(step?.steps?.[i])}`, ...entryLines(inner).map((line) => `  ${line}`));
  for (const inner of entry.resume ?? []) lines.push('  resume', ...entryLines(inner).map((line) => `  ${line}`));
  return lines;
}

function eventLines(event: TraceEvent, indent: string): string[] {
  if (!('unordered' in event)) return [`${indent}${event.map((part) => (typeof part === 'string' ? part : canonical(part))).join(' ')}`];
  const chains = event.unordered.map((chain) => chain.flatMap((one) => eventLines(one, `${indent}| `)));
  return [`${indent}in any order:`, ...chains.sort((a, b) => (a.join('\n') < b.join('\n') ? -1 : 1)).flatMap((chain) => [...chain, `${indent}.`])];
}

const stepText = (step: Step | undefined): string => {
  if (!step) return '?';
  const { op, steps: _inner, ...rest } = step;
  return `${op} ${canonical(rest as Json)}`;
};

/** A diff of lines by their longest common subsequence. */
function diff(expected: readonly string[], actual: readonly string[]): string[] {
  const width = actual.length + 1;
  const common = new Uint16Array((expected.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = expected.length - 1; i >= 0; i--)
    for (let j = actual.length - 1; j >= 0; j--)
      common[i * width + j] = expected[i] === actual[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < expected.length || j < actual.length) {
    if (i < expected.length && expected[i] === actual[j]) {
      lines.push(`  ${expected[i++]}`);
      j++;
    } else if (j >= actual.length || (i < expected.length && at(i + 1, j) >= at(i, j + 1))) lines.push(`- ${expected[i++]}`);
    else lines.push(`+ ${actual[j++]}`);
  }
  return lines;
}
