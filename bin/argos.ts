/** The command line. `start` loads the node; every other word is a request to the running one, or works on files. */
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import packageJson from '../package.json' with { type: 'json' };
import { CommandError, defaultSocket, EXIT } from './client.ts';
import { backtestCommands } from './commands/backtest.ts';
import { configCommands } from './commands/config.ts';
import { evaluateCommands } from './commands/evaluate.ts';
import { nodeCommands } from './commands/node.ts';
import { planCommands } from './commands/plan.ts';
import { resourceCommands } from './commands/resources.ts';
import { ruleCommands } from './commands/rules.ts';
import { silenceCommands } from './commands/silences.ts';
import { storeCommands } from './commands/store.ts';
import { testCommands } from './commands/test.ts';
import { commandErrorOf } from './faults.ts';
import { STDIO } from './files.ts';
import { errorText, printJson, say } from './output.ts';

const EXIT_CODES = `Exit codes: 0 done · 1 failed · 2 usage · 3 no node reachable · 4 not authorised · 5 not found · 6 conflict
            8 reachable but degraded, or a test not met · 78 configuration invalid`;

// A reader that has had enough (`argos logs -f | head`) ends the command, and that is no fault.
process.stdout.on('error', () => process.exit(EXIT.done));

/** `--config -` is stdin; yargs would take the dash for a word of its own. */
const words = hideBin(process.argv);
const dash = words.findIndex((word, i) => word === '-' && words[i - 1] === '--config');
if (dash > 0) words.splice(dash - 1, 2, '--config=-');
/** yargs takes quotation marks around a whole word away; in a condition and in JSON they mean something, and a blank before them does not. */
const quoted = (word: string): string => word.replace(/^(--[a-z]+=)?(?=(["']).*\2$)/s, '$1 ');
const given = words.map((word) => (word === '-' ? STDIO : words[0] === 'eval' ? quoted(word) : word));

const common = yargs(given)
  .parserConfiguration({ 'duplicate-arguments-array': false })
  .scriptName('argos')
  .usage('argos: watches devices and services, judges what it sees, and acts\n\n$0 <command>')
  .option('socket', {
    alias: 's',
    type: 'string',
    default: defaultSocket(),
    defaultDescription: 'where the node listens',
    describe: 'the control socket (ARGOS_SOCKET)',
    global: true,
  })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON', global: true });

const cli: Argv = [
  nodeCommands,
  resourceCommands,
  ruleCommands,
  silenceCommands,
  evaluateCommands,
  testCommands,
  backtestCommands,
  planCommands,
  configCommands,
  storeCommands,
].reduce((all, add) => add(all), common);

try {
  await cli
    .strict()
    .recommendCommands()
    .demandCommand(1, 'a command is needed')
    .version(packageJson.version)
    .epilogue(EXIT_CODES)
    .fail((message, error) => {
      throw error ?? new CommandError(`${message}; argos --help shows how`, EXIT.usage);
    })
    .parseAsync();
} catch (error) {
  const known = commandErrorOf(error);
  if (process.argv.includes('--json'))
    printJson(known.answer ?? { error: { code: known.exitCode === EXIT.usage ? 'usage' : 'failed', message: known.message } });
  say(errorText(known.message, known.answer));
  process.exit(known.exitCode); // what a failed start has left open must not keep the process
}
