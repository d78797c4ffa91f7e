/** `validate-config`, `reload`, `history`, `secret`, `actions`: the life of a configuration, and of what it has set off. */
import type { Argv } from 'yargs';
import type { ChangeReply } from '../../proto/api.ts';
import type { Plan } from '../../proto/reports.ts';
import { ask, CommandError, EXIT } from '../client.ts';
import { faultsText, print, printJson, say, table } from '../output.ts';
import { configPath, readSource, readSources } from '../sources.ts';
import { changed } from './resources.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}

export const configCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs
    .command(
      'validate-config [file]',
      'check a configuration without a node; exit code 78 when it is not valid',
      (y) =>
        y
          .positional('file', { type: 'string', describe: 'a file or a directory (ARGOS_CONFIG, ./argos.jsonc)' })
          .option('env', { type: 'string', describe: 'the entry of `environments` to merge over the rest' }),
      async ({ file, env, json }) => {
        const path = configPath(file);
        const { declare } = await import('../../config/load.ts'); // only this word needs the schemas
        const { declared, faults } = declare({ sources: readSources(path), overlay: [], environment: env }, process.env);
        if (json) printJson({ valid: faults.length === 0, faults });
        else if (faults.length === 0) say(`${path} is valid: ${declared.length} resources`);
        if (faults.length > 0 && !json)
          throw new CommandError(`${path} has ${faults.length} fault${faults.length === 1 ? '' : 's'}\n${faultsText(faults)}`, EXIT.configInvalid);
        if (faults.length > 0) process.exitCode = EXIT.configInvalid;
      },
    )
    .command(
      'reload',
      'read the configuration anew and apply what has changed',
      (y) => y,
      async ({ socket, json }) => {
        const plan = json ? undefined : await ask<Plan>(socket, 'POST', '/v1/plan', {}).catch(() => undefined); // what is wrong the reload tells
        changed(await ask<ChangeReply>(socket, 'POST', '/v1/reload'), json);
        for (const { name, state, reason } of plan?.rules ?? []) if (state === 'reevaluated' || state === 'reset') say(`  rule ${name} ${state}: ${reason}`);
      },
    )
    .command(
      'history',
      'the versions of the configuration, newest first',
      (y) => y.option('limit', { type: 'number', default: 20, describe: 'how many' }),
      async ({ socket, json, limit }) => {
        const versions = await ask<{ number: number; atMs: number; author: string; reason: string; diff: string[] }[]>(
          socket,
          'GET',
          `/v1/versions?limit=${limit}`,
        );
        if (json) printJson(versions);
        else
          print(
            table(
              ['VERSION', 'WHEN', 'WHO', 'WHY', 'WHAT'],
              versions.map(({ number, atMs, author, reason, diff }) => [
                String(number),
                new Date(atMs).toISOString(),
                author,
                reason,
                diff.join(', ').slice(0, 120),
              ]),
            ),
          );
      },
    )
    .command(
      'secret <what> [name]',
      'values for ${secrets.NAME}, kept encrypted: set (the value comes from stdin), list, delete',
      (y) =>
        y
          .positional('what', { choices: ['set', 'list', 'delete'] as const, demandOption: true, describe: 'what to do' })
          .positional('name', { type: 'string', describe: 'the secret' }),
      async ({ socket, json, what, name }) => {
        if (what === 'list') {
          const names = await ask<string[]>(socket, 'GET', '/v1/secrets');
          return json ? printJson(names) : names.forEach(print);
        }
        if (name === undefined) throw new CommandError(`${what} needs the name of a secret`, EXIT.usage);
        const path = `/v1/secrets/${encodeURIComponent(name)}`;
        if (what === 'delete') await ask(socket, 'DELETE', path);
        else await ask(socket, 'PUT', path, { value: readSource('-').text.replace(/\r?\n$/, '') });
        if (json) printJson({ name });
        else say(what === 'set' ? `secret ${name} is kept; a reload brings it into the configuration` : `secret ${name} is gone`);
      },
    )
    .command(
      'actions <what> [id..]',
      'executions of actions: list them, show one with its attempts; put back, or give up, what has failed for good',
      (y) =>
        y
          .positional('what', { choices: ['list', 'show', 'retry', 'drop'] as const, demandOption: true })
          .positional('id', { type: 'string', array: true, default: [], describe: 'executions' })
          .option('status', { choices: ['queued', 'retrying', 'succeeded', 'failed', 'expired', 'suppressed'], describe: 'only these' })
          .option('rule', { type: 'string', describe: 'only those of this rule' })
          .option('action', { type: 'string', describe: 'only those of this action' })
          .option('all', { type: 'boolean', default: false, describe: 'retry, drop: all that have failed for good, in place of those named' }),
      async ({ socket, json, what, id: ids, status, rule, action, all }) => {
        if (what === 'retry' || what === 'drop') {
          if (ids.length > 0 === all)
            throw new CommandError(`${what} needs the ids of executions, or --all: argos actions list --status failed names them`, EXIT.usage);
          const done = await ask<{ readonly ids: readonly string[] }>(socket, 'POST', `/v1/executions/${what}`, all ? { rule, action } : { ids });
          if (json) printJson(done);
          else say(`${done.ids.length} ${done.ids.length === 1 ? 'execution' : 'executions'} ${what === 'retry' ? 'will be tried again' : 'given up'}`);
          return;
        }
        const [id] = ids;
        if (what === 'show' && id === undefined) throw new CommandError('show needs the id of an execution: argos actions list names them', EXIT.usage);
        const query = new URLSearchParams(Object.entries({ id, status, rule, action }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
        const jobs = await ask<Execution[]>(socket, 'GET', `/v1/executions?${query}`);
        const [first] = jobs;
        if (what === 'show' && !first) throw new CommandError(`there is no execution ${id}`, EXIT.notFound);
        if (what === 'show') return printJson({ ...first, tries: await ask(socket, 'GET', `/v1/attempts?${query}`) });
        if (json) printJson(jobs);
        else
          print(
            table(
              ['ID', 'STATUS', 'ATTEMPTS', 'CREATED', 'REASON'],
              jobs.map(({ job, status: state, attempts, reason }) => [job.id, state, String(attempts), new Date(job.createdMs).toISOString(), reason ?? '']),
            ),
          );
      },
    );

interface Execution {
  readonly job: { readonly id: string; readonly createdMs: number };
  readonly status: string;
  readonly attempts: number;
  readonly reason: string | null;
}
