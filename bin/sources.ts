/** The configuration's texts on disk: one file, or the `*.json` and `*.jsonc` files of a directory by name, but for unit tests of rules. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Source } from '../proto/api.ts';
import { CommandError, EXIT } from './client.ts';

/** Of the files that `argos test` runs. */
export const TEST_ENDING = '.test.jsonc';

/** @throws CommandError when there is nothing to read. */
export function readSources(path: string): readonly Source[] {
  try {
    if (!statSync(path).isDirectory()) return [readSource(path)];
    const files = readdirSync(path)
      .filter((name) => /\.jsonc?$/.test(name) && !name.endsWith(TEST_ENDING))
      .sort();
    if (files.length === 0) throw new CommandError(`${path} holds no *.json or *.jsonc file`, EXIT.configInvalid);
    return files.map((name) => readSource(join(path, name)));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`the configuration ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, EXIT.configInvalid);
  }
}

/** One text; `-` is stdin. */
export function readSource(path: string): Source {
  if (path !== '-' && !existsSync(path)) throw new CommandError(`there is no file ${path}`, EXIT.usage);
  return path === '-' ? { file: 'stdin', text: readFileSync(0, 'utf8') } : { file: shown(path), text: readFileSync(path, 'utf8') };
}

/** `--config`, else ARGOS_CONFIG, else ./argos.jsonc. @throws CommandError when none of them is given. */
export function configPath(given: string | undefined): string {
  const path = given ?? process.env.ARGOS_CONFIG ?? (existsSync('argos.jsonc') ? 'argos.jsonc' : undefined);
  if (path === undefined) throw new CommandError('no configuration: name it with --config FILE or ARGOS_CONFIG, or put argos.jsonc here', EXIT.usage);
  return path;
}

const shown = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
};
