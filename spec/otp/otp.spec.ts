/** The supervision scenarios recorded from Erlang/OTP, replayed on `lib/`; and proof that the replayer can fail. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { main, replay } from './replay.ts';
import { type Entry, parseScenarios, type Scenario, type Trace, type TraceEvent } from './scenario.ts';

const read = (name: string): Scenario[] => parseScenarios(readFileSync(new URL(`../fixtures/otp/${name}`, import.meta.url), 'utf8'));
const files = ['traces-public.jsonl', 'traces-extra.jsonl', 'traces-time.jsonl', 'traces-corners.jsonl'];

describe('supervision scenarios recorded from OTP', () => {
  for (const file of files) {
    for (const [group, scenarios] of Object.entries(Object.groupBy(read(file), ({ id }) => id.split('-')[0] ?? id))) {
      it(`${file}: the ${scenarios?.length ?? 0} of ${group}, reports included where recorded`, async () => {
        const differences: string[] = [];
        for (const scenario of scenarios ?? []) {
          const different = await replay(scenario, true);
          if (different !== undefined) differences.push(different);
        }
        if (differences.length > 0) expect.fail(`${differences.length} of ${scenarios?.length}\n\n${differences.join('\n\n')}`);
      });
    }
  }
});

describe('the replayer', () => {
  const unordered = read(files[0] ?? '').find(({ trace }) => trace.steps.some(({ ev }) => ev?.some((event) => 'unordered' in event)));
  const scenario = unordered as Scenario;

  const altered = (change: Partial<Trace>): Scenario => ({ ...scenario, trace: { ...scenario.trace, ...change } });
  /** The same scenario with the events of every step changed. */
  const withEvents = (change: (events: readonly TraceEvent[]) => readonly TraceEvent[]): Scenario =>
    altered({ steps: scenario.trace.steps.map((entry): Entry => (entry.ev ? { ...entry, ev: change(entry.ev) } : entry)) });

  const failing: Readonly<Record<string, Scenario>> = {
    'an event too few': withEvents((events) => events.slice(1)),
    'an event too many': withEvents((events) => [...events, ['down', 'top/nobody#1', 'killed']]),
    'another order': withEvents((events) => events.toReversed()),
    'an order where there is none': withEvents((events) => events.flatMap((event) => ('unordered' in event ? event.unordered.flat() : [event]))),
    'another answer': altered({ start: { ...scenario.trace.start, r: 'ignore' } }),
    'another survivor': altered({ alive: [...scenario.trace.alive, 'top/nobody#1'] }),
    'another end': altered({ top: { down: 'boom' } }),
    'another state': altered({ state: { 'top#1': [] } }),
  };

  for (const [what, wrong] of Object.entries(failing)) {
    it(`fails for ${what}`, async () => {
      const lines: string[] = [];
      expect(await main([scenario, wrong], (line) => lines.push(line))).to.equal(1);
      expect(lines.at(-1)).to.equal('1 passed, 1 failed');
      expect(lines[0])
        .to.match(new RegExp(`^${scenario.id}\\b`))
        .and.match(/^[-+] /m);
    });
  }

  it('does not mind in which order unordered chains were written', async () => {
    const same = withEvents((events) => events.map((event) => ('unordered' in event ? { unordered: event.unordered.toReversed() } : event)));
    expect(await replay(same)).to.equal(undefined);
  });

  it('exits with 1 and says which scenario differs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'argos-replay-'));
    try {
      const file = join(folder, 'scenarios.jsonl');
      writeFileSync(file, [scenario, altered({ top: 'gone' })].map((one) => JSON.stringify(one)).join('\n'));
      const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(new URL('replay.ts', import.meta.url)), 'scenarios.jsonl'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(status).to.equal(1);
      expect(stdout)
        .to.include(scenario.id)
        .and.to.match(/\n1 passed, 1 failed\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
