/** `plan`: what a reload would do, and what becomes of the rules' alerts. Nothing is applied. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { Source } from '../../proto/api.ts';
import type { Plan } from '../../proto/reports.ts';
import { ask, CommandError, EXIT } from '../client.ts';
import { paint, print, printJson, say } from '../output.ts';
import { configPath, readSources } from '../sources.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}

const HELP = `It is compared with what runs; without a node with nothing at all. Of each rule that changes: its state is
  kept         timers and episodes go on
  reevaluated  the condition is judged anew, an open episode goes on while it holds
  reset        an open episode is closed, and whoever was told of it is told of its end
Exit codes: 0 it is valid, whatever it changes · 78 it is not.`;

export const planCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs.command(
    'plan [file]',
    'what a reload would change, and what becomes of the state of each rule; nothing is applied',
    (y) =>
      y
        .positional('file', { type: 'string', describe: 'a file or a directory; left out: the configuration of the node' })
        .option('env', { type: 'string', describe: 'without a node: the entry of `environments` to merge over the rest' })
        .epilogue(HELP),
    async ({ socket, json, file, env }) => {
      const plan = await planned(socket, file, env);
      if (json) return printJson(plan);
      if (plan.version === null) say('no node is running: it is compared with nothing');
      print(planText(plan));
    },
  );

async function planned(socket: string, file: string | undefined, env: string | undefined): Promise<Plan> {
  try {
    return await ask<Plan>(socket, 'POST', '/v1/plan', file === undefined ? {} : { sources: readSources(file).map(absolute) });
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.unreachable) throw error;
  }
  const path = configPath(file);
  const [{ declare }, { planOf }] = await Promise.all([import('../../config/load.ts'), import('../../config/plan.ts')]);
  const { declared, faults } = declare({ sources: readSources(path), overlay: [], environment: env }, process.env);
  const message = `${path} has ${faults.length} fault${faults.length === 1 ? '' : 's'}`;
  if (faults.length > 0) throw new CommandError(message, EXIT.configInvalid, { error: { code: 'config_invalid', message, faults } });
  return { version: null, ...planOf([], declared, () => undefined) };
}

/** The node may run in another folder, and what a file names is found from where it is. */
const absolute = ({ file, text }: Source): Source => ({ file: resolve(file), text });

const SIGNS = { start: paint('green', '+'), stop: paint('red', '-'), replace: paint('yellow', '~'), keep: '=' } as const;

function planText({ resources, rules, atRestart = [] }: Plan): string {
  const states = new Map(rules.map((one) => [one.name, one]));
  const lines = resources.flatMap(({ kind, name, change, differs = [] }) => {
    if (change === 'keep') return [];
    const rule = kind === 'rule' ? states.get(name) : undefined;
    const state = rule && rule.state !== 'new' ? `\n      ${paint(rule.state === 'kept' ? 'green' : 'yellow', rule.state)}: ${rule.reason}` : '';
    return [`  ${SIGNS[change]} ${kind} ${name}${differs.length > 0 ? `  (${differs.join(', ')})` : ''}${state}`];
  });
  const kept = resources.length - lines.length;
  return [
    ...lines,
    lines.length === 0 ? 'nothing would change' : `  = ${kept} unchanged`,
    ...(atRestart.length > 0 ? [`${atRestart.join(' and ')}: what was changed there counts from the next start of the node`] : []),
  ].join('\n');
}
