/** `silence`: hold the telling of alerts back for a while, and see what is held back. */
import { userInfo } from 'node:os';
import type { Argv } from 'yargs';
import type { ChangeReply, ResourceInfo } from '../../proto/api.ts';
import { ask, CommandError, EXIT } from '../client.ts';
import { print, printJson, say, table } from '../output.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}
/** What a silence says of itself. */
interface Detail {
  readonly matchers: readonly string[];
  readonly starts?: string;
  readonly ends?: string;
  readonly author: string;
  readonly comment: string;
  readonly next: string | null;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

export const silenceCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs.command('silence', 'hold the telling of alerts back for a while', (all) =>
    all
      .command(
        'add',
        'silence the alerts that match, in the running node, at once or from a time on',
        (y) =>
          y
            .option('match', {
              type: 'string',
              array: true,
              nargs: 1,
              demandOption: true,
              alias: 'm',
              describe: "all must match: 'rule = too_hot', 'severity != critical', 'instance =~ iot_.*', 'labels.site = north', 'monitor = boiler'",
            })
            .option('for', { type: 'string', describe: 'how long: 30s, 90m, 2h, 1d, 1w' })
            .option('until', { type: 'string', describe: 'till when, in place of --for: 2026-12-24T18:00:00Z' })
            .option('from', { type: 'string', describe: 'from when on; left out: now' })
            .option('comment', { type: 'string', alias: 'c', default: '', describe: 'why' })
            .option('author', { type: 'string', default: userInfo().username, defaultDescription: 'the user', describe: 'who' })
            .option('name', { type: 'string', describe: 'what to call it; left out: a name made of the time' }),
        async ({ socket, json, match, for: length, until, from, comment, author, name = nameNow() }) => {
          if ((length === undefined) === (until === undefined)) throw new CommandError('a silence has an end: give --for or --until', EXIT.usage);
          const startsMs = from === undefined ? Date.now() : timeOf(from, '--from');
          const ends = new Date(until === undefined ? startsMs + lengthOf(length ?? '') : timeOf(until, '--until')).toISOString();
          const starts = new Date(startsMs).toISOString();
          const reply = await put('POST', socket, name, { name, matchers: match, starts, ends, author, comment });
          if (json) printJson({ ...reply, name });
          else print(`${name} silences until ${ends}`);
        },
      )
      .command(
        'list',
        'the silences that hold, and those to come',
        (y) => y.option('all', { type: 'boolean', default: false, describe: 'those that are over, too' }),
        async ({ socket, json, all: over }) => {
          const infos = (await ask<ResourceInfo[]>(socket, 'GET', '/v1/resources?kind=silence')).filter(({ status }) => over || status !== 'expired');
          if (json) printJson(infos);
          else if (infos.length === 0) say(over ? 'there is no silence' : 'no silence holds, and none is to come');
          else print(table(['NAME', 'STATUS', 'CHANGES', 'MATCHERS', 'BY', 'COMMENT'], infos.map(row)));
        },
      )
      .command(
        'expire <name..>',
        'end silences now; what they hold back is told, if it still fires',
        (y) => y.positional('name', { type: 'string', array: true, demandOption: true, describe: 'of silences' }),
        async ({ socket, json, name: names }) => {
          const replies: ChangeReply[] = [];
          for (const name of names) replies.push(await expire(socket, name));
          if (json) printJson(replies);
          else for (const name of names) say(`${name} is over`);
        },
      )
      .demandCommand(1, 'add, list or expire'),
  );

const nameNow = (): string => `silence-${new Date().toISOString().replace(/\D/g, '').slice(0, 17)}`;
const path = (name: string): string => `/v1/resources/silence/${encodeURIComponent(name)}`;

const put = (method: 'POST' | 'PUT', socket: string, name: string, silence: object): Promise<ChangeReply> =>
  ask<ChangeReply>(socket, method, path(name), { file: 'the silence', text: JSON.stringify(silence) });

/** One that has begun is kept for a while as one that is over; one that has not is taken back. */
async function expire(socket: string, name: string): Promise<ChangeReply> {
  const { status, config } = await ask<ResourceInfo>(socket, 'GET', path(name));
  if (status === 'expired') throw new CommandError(`silence ${name} is over already`, EXIT.conflict);
  const { starts } = config as Detail; // what a silence is declared as
  if (starts !== undefined && Date.parse(starts) >= Date.now()) return ask<ChangeReply>(socket, 'DELETE', path(name));
  return put('PUT', socket, name, { ...(config as Detail), ends: new Date().toISOString() });
}

function row({ name, status, detail }: ResourceInfo): readonly string[] {
  const { matchers, author, comment, next } = detail as Detail; // what a silence says of itself
  return [name, status, next ?? '–', matchers.join(', '), author, comment];
}

function timeOf(text: string, option: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new CommandError(`${option} wants a time in ISO 8601 such as 2026-12-24T18:00:00Z, got ${text}`, EXIT.usage);
  return ms;
}

function lengthOf(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new CommandError(`--for wants a length of time such as 90m, 2h or 1d12h, got ${text}`, EXIT.usage);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
}
