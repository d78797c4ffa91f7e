/** `test`: unit tests of rules, run without a node. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { TestedFile } from '../../proto/reports.ts';
import { CommandError, EXIT } from '../client.ts';
import { print, printJson, say } from '../output.ts';
import { countsOf, junitText, reportText, tapText } from '../reports.ts';
import { configPath, readSource, readSources, TEST_ENDING } from '../sources.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}

const HELP = `A file (*.test.jsonc) names a configuration, and has cases: what monitors see at which times, and what the rules are to make of it by then.
The clock is virtual, and nothing is sent. docs/testing-rules.md shows how; config/argos-test.schema.json is for editors.
Exit codes: 0 all are met · 8 one is not · 78 a file, or its configuration, is not valid.`;

export const testCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs.command(
    'test <files..>',
    'unit tests of rules: what monitors see, and what is to come of it, on a virtual clock',
    (y) =>
      y
        .parserConfiguration({ 'duplicate-arguments-array': true }) // without it there is one file
        .positional('files', { type: 'string', array: true, demandOption: true, describe: 'files; of a folder all *.test.jsonc within' })
        .option('only', { type: 'string', describe: 'only cases whose name holds this' })
        .option('config', { type: 'string', describe: 'the configuration under test, in the place of what the files name' })
        .option('tap', { type: 'boolean', default: false, describe: 'print TAP (Test Anything Protocol)' })
        .option('junit', { type: 'string', describe: 'write JUnit XML into this file, too' })
        .epilogue(HELP),
    async ({ json, files, only, config, tap, junit }) => {
      if (tap && json) throw new CommandError('--tap or --json, and not both', EXIT.usage);
      const tested: TestedFile[] = [];
      for (const file of files.flatMap(filesIn)) tested.push(await testedFile(file, config, only));
      const { tests: count, failures, errors } = countsOf(tested);
      if (only !== undefined && count === 0) throw new CommandError(`there is no case whose name holds ${JSON.stringify(only)}`, EXIT.usage);
      if (junit !== undefined) writeFileSync(junit, junitText(tested));
      if (json) printJson({ met: failures + errors === 0, files: tested });
      else print(tap ? tapText(tested) : reportText(tested));
      if (junit !== undefined && !json && !tap) say(`${junit}: JUnit XML of ${count} tests`);
      process.exitCode = errors > 0 ? EXIT.configInvalid : failures > 0 ? EXIT.degraded : EXIT.done;
    },
  );

async function testedFile(path: string, config: string | undefined, only: string | undefined): Promise<TestedFile> {
  const { readTests, runTests } = await import('../../config/tests.ts'); // only this word needs the rules
  const source = readSource(path);
  const read = readTests(source);
  if ('faults' in read) return { file: source.file, faults: read.faults, cases: [] };
  const under = config ?? (read.config === undefined ? configPath(undefined) : resolve(dirname(path), read.config));
  if (!existsSync(under)) return { file: source.file, faults: [read.faultOfConfig(under)], cases: [] };
  return { file: source.file, faults: [], cases: [], ...(await runTests(read, readSources(under), process.env, only)) };
}

/** @throws CommandError when there is none. */
function filesIn(path: string): readonly string[] {
  const there = statSync(path, { throwIfNoEntry: false });
  if (!there) throw new CommandError(`there is no file ${path}`, EXIT.usage);
  if (!there.isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(TEST_ENDING) && !name.split(/[\\/]/).includes('node_modules'))
    .sort();
  if (files.length === 0) throw new CommandError(`${path} holds no *${TEST_ENDING} file`, EXIT.usage);
  return files.map((name) => join(path, name));
}
