/** `backtest`: a rule over what is stored, on a virtual clock: the episodes that would have been, beside those that were. */
import type { Argv } from 'yargs';
import type { ExportQuery } from '../../proto/store.ts';
import type { Backtest, RecordedEpisode, ReplayedEpisode } from '../../proto/reports.ts';
import { CommandError, EXIT, open } from '../client.ts';
import { STDIO } from '../files.ts';
import { linesOf } from '../lines.ts';
import { duration, paint, print, printJson, table } from '../output.ts';
import { configPath, readSource, readSources } from '../sources.ts';
import { bytesOf, instant, isOffline, paramsOf, placed, told, upkeepOf } from './store.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}
type Query = Omit<ExportQuery, 'format'>;

const HELP = `The history comes from the running node, or with --data-dir or --store-url from the store itself. It has numbers and truth values and no texts:
what reads a text was unknown, and the answer says so. Silences of the CLI and restarts of the node are not replayed.
Exit codes: 0 done, whatever it finds · 5 there is no such rule · 78 the configuration, or the candidate, is not valid.`;

export const backtestCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs.command(
    'backtest <rule>',
    'what a rule would have done over stored history, beside what was',
    (y) =>
      placed(y)
        .positional('rule', { type: 'string', demandOption: true, describe: 'its name' })
        .option('from', { type: 'string', demandOption: true, describe: 'from then on: ISO 8601, or ms since 1970' })
        .option('to', { type: 'string', describe: 'until then; left out: until now' })
        .option('config', { type: 'string', describe: 'the configuration (ARGOS_CONFIG, ./argos.jsonc)' })
        .option('env', { type: 'string', describe: 'the entry of `environments` to merge over the rest' })
        .option('candidate', { type: 'string', describe: 'the rule as it is to be: a file with the rule itself, or a whole configuration; - is stdin' })
        .epilogue(HELP),
    async ({ socket, json, rule, from, to, config, env, candidate, dataDir, storeUrl }) => {
      const span = { fromMs: instant('--from', from) ?? 0, toMs: instant('--to', to) ?? Date.now() };
      if (span.fromMs >= span.toMs) throw new CommandError('--from is before --to', EXIT.usage);
      const { backtest, Past, readyFor, TooMuch } = await import('../../config/backtest.ts'); // only this word needs the rules
      const path = configPath(config);
      const ready = readyFor(
        rule,
        readSources(path),
        env,
        candidate === undefined ? undefined : readSource(candidate === STDIO ? '-' : candidate),
        span,
        process.env,
      );
      if (!ready) throw new CommandError(`${path} has no rule ${rule}`, EXIT.notFound);
      if ('faults' in ready) {
        const message = `the configuration has ${ready.faults.length} fault${ready.faults.length === 1 ? '' : 's'}`;
        throw new CommandError(message, EXIT.configInvalid, { error: { code: 'config_invalid', message, faults: ready.faults } });
      }
      const place = { dataDir, storeUrl };
      const export_ = async (query: Query): Promise<AsyncIterable<Uint8Array | string>> => {
        const whole: ExportQuery = { ...query, format: 'ndjson' };
        return isOffline(place) ? (await upkeepOf(place)).export(whole) : open(socket, 'GET', `/v1/store/export?${paramsOf(whole)}`);
      };
      const past = new Past();
      try {
        for (const query of ready.queries) for await (const sample of rowsOf(export_(query.query))) past.add(query, sample as never); // what the export writes
      } catch (error) {
        throw error instanceof TooMuch ? new CommandError(error.message, EXIT.failed) : error;
      }
      const recorded: RecordedEpisode[] = [];
      for await (const row of rowsOf(export_({ what: 'episodes', name: rule, ...span }))) recorded.push(recordedOf(row as never));
      const found = await backtest(ready, past, recorded);
      if (json) printJson(found);
      else print(backtestText(found));
    },
  );

const recordedOf = ({ ended = null, ...rest }: Omit<RecordedEpisode, 'ended'> & { readonly ended?: string | null }): RecordedEpisode => ({ ...rest, ended });

async function* rowsOf(chunks: Promise<AsyncIterable<Uint8Array | string>>): AsyncGenerator<unknown> {
  const lines = linesOf(bytesOf(await chunks))[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await told(lines.next());
    if (done) return;
    for (const line of value) if (typeof line === 'string' && line !== '') yield JSON.parse(line);
  }
}

const STYLES = { same: 'green', shifted: 'yellow', new: 'red' } as const;

function backtestText({ rule, from, to, samples, episodes, lost, limits }: Backtest): string {
  const count = (beside: ReplayedEpisode['beside']): number => episodes.filter((one) => one.beside === beside).length;
  const lasted = ({ started, ended }: RecordedEpisode): string => duration(Date.parse(ended ?? to) - Date.parse(started));
  const hasInstances = [...episodes, ...lost].some(({ instance }) => instance !== '');
  const row = (one: RecordedEpisode, told: string, beside: string): readonly string[] => [
    one.started,
    one.ended ?? 'still running',
    lasted(one),
    ...(hasInstances ? [one.instance] : []),
    one.severity,
    told,
    beside,
  ];
  const rows = [
    ...episodes.map((one) =>
      row(
        one,
        one.told ? 'yes' : `no: ${one.held}`,
        `${paint(STYLES[one.beside], one.beside)}${one.was ? ` (was ${one.was.started} to ${one.was.ended ?? 'now'})` : ''}`,
      ),
    ),
    ...lost.map((one) => row(one, '', paint('red', 'lost'))),
  ].sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return [
    `rule ${rule}, ${from} to ${to}, ${samples.toLocaleString('en')} samples`,
    `${episodes.length} episode${episodes.length === 1 ? '' : 's'}: ${count('same')} as on record, ${count('shifted')} shifted, ${count('new')} new; ${lost.length} on record lost`,
    ...(rows.length > 0 ? ['', table(['STARTED', 'ENDED', 'LASTED', ...(hasInstances ? ['INSTANCE'] : []), 'SEVERITY', 'TOLD', 'BESIDE'], rows)] : []),
    ...(limits.length > 0 ? [''] : []),
    ...limits.map((one) => paint('yellow', `! ${one}`)),
  ].join('\n');
}
