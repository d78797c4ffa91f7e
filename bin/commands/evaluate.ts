/** `eval`: a condition on data that is given, without a node. */
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import type { PlacedFault } from '../../proto/api.ts';
import { CommandError, EXIT } from '../client.ts';
import { STDIO, toStdout } from '../files.ts';
import { linesOf, TOO_LONG } from '../lines.ts';
import { faultText, paint, print, printJson } from '../output.ts';
import { partText } from './rules.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}
interface Options {
  readonly json: boolean;
  readonly explain: boolean;
  readonly to: 'json' | 'text' | undefined;
}

/** The language: loaded when it is needed. */
const language = () => import('../../config/evaluate.ts');
type Language = Awaited<ReturnType<typeof language>>;
type Condition = Exclude<ReturnType<Language['readCondition']>, { readonly faults: unknown }>;

const HELP = `The result is printed as JSON, or the word unknown; with --json as {"result": …}, {"result": null, "unknown": true} or {"error": {"type", "message", "at"}}.
The states of monitors are what --data has by their names, {"boiler": {"payload": {"temperature": 91}}}; parameters are its "parameters". Windows have no past here.
Exit codes: 0 evaluated, whatever the result · 1 the evaluation failed · 2 it is no condition, with line and column.
With --stdin each line {"rule", "data"} is answered by one line, {"result"} or {"error"}, and the end is 0.`;

export const evaluateCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs.command(
    'eval [condition]',
    'evaluate a condition without a node, or a stream of them',
    (y) =>
      y
        .positional('condition', { type: 'string', describe: 'JSON or text; @FILE; - is stdin' })
        .option('data', { alias: 'd', type: 'string', describe: 'what it is judged on: JSON; @FILE; - is stdin. Left out: {}' })
        .option('explain', { type: 'boolean', default: false, describe: 'each part of it with what it comes to' })
        .option('to', { choices: ['json', 'text'] as const, describe: 'do not evaluate it: print it in this form' })
        .option('text', { type: 'boolean', default: false, describe: 'the same as --to text' })
        .option('stdin', { type: 'boolean', default: false, describe: 'one {"rule", "data"} a line; without rule: CONDITION' })
        .epilogue(HELP),
    async ({ json, condition, data, explain, to, text, stdin }) => {
      const form = text ? 'text' : to;
      if (stdin && (data !== undefined || explain || form)) throw new CommandError('--stdin goes with a condition and nothing else', EXIT.usage);
      if (stdin) return stream(condition === undefined ? undefined : textOf(condition, 'CONDITION'));
      if (condition === undefined) throw new CommandError('eval needs a condition, or --stdin; argos eval --help shows how', EXIT.usage);
      if (condition === STDIO && data === STDIO) throw new CommandError('the condition and the data cannot both come from stdin', EXIT.usage);
      await one(textOf(condition, 'CONDITION'), data === undefined ? {} : dataOf(textOf(data, '--data')), { json, explain, to: form });
    },
  );

/** @throws CommandError when there is no such file. */
function textOf(given: string, what: string): string {
  if (given !== STDIO && !given.startsWith('@')) return given;
  try {
    return readFileSync(given === STDIO ? 0 : given.slice(1), 'utf8');
  } catch (error) {
    throw new CommandError(`${what}: ${error instanceof Error ? error.message : String(error)}`, EXIT.usage);
  }
}

function dataOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`--data: expected JSON: ${error instanceof Error ? error.message : String(error)}`, EXIT.usage);
  }
}

async function one(text: string, data: unknown, { json, explain, to }: Options): Promise<void> {
  const { evaluate, explained, isRefused, readCondition } = await language();
  const condition = readCondition(text, data, 'condition');
  if (isRefused(condition)) throw refusal(condition.source, condition.faults, json);
  if (to) return printForm(await formOf(condition, to), to, json);
  const answer = evaluate(condition, data);
  const explanation = explain ? explained(condition, data) : undefined;
  if (json) printJson({ ...answer, ...(explanation ? { explanation } : {}) });
  else if (explanation) print(partText(explanation, '').join('\n'));
  else if (!('error' in answer)) print(answer.unknown ? 'unknown' : JSON.stringify(answer.result));
  if (!('error' in answer)) return;
  process.exitCode = EXIT.failed;
  if (!json) process.stderr.write(`argos: ${answer.error.message}${answer.error.at ? ` (${answer.error.at})` : ''}\n`);
}

async function formOf(condition: Condition, to: 'json' | 'text'): Promise<unknown> {
  if (to === 'json') return condition.json;
  const text = (await language()).textOf(condition);
  if (text === undefined) throw new CommandError('the condition has no text form: a value in it is an object, or a name in it is empty', EXIT.failed);
  return text;
}
const printForm = (form: unknown, to: 'json' | 'text', json: boolean): void => {
  if (json) printJson({ [to]: form });
  else print(typeof form === 'string' && to === 'text' ? form : JSON.stringify(form));
};

function refusal(source: string, faults: readonly PlacedFault[], json: boolean): CommandError {
  const message = `the condition has ${faults.length} fault${faults.length === 1 ? '' : 's'}`;
  if (json) return new CommandError(message, EXIT.usage, { error: { code: 'usage', message, faults } });
  return new CommandError([message, ...faults.flatMap((fault) => [`  ${faultText(fault)}`, ...caretText(source, fault)])].join('\n'), EXIT.usage);
}

const BEFORE = 60;
const WIDTH = 120;
/** The line with the fault, and a caret below its place; of a long line the part around it. */
function caretText(source: string, { line, column }: PlacedFault): readonly string[] {
  const whole = source.split('\n')[line - 1] ?? '';
  const from = whole.length > WIDTH ? Math.max(0, column - 1 - BEFORE) : 0;
  const shown = whole.slice(from, from + WIDTH).replaceAll(/\s/g, ' ');
  return [`    ${paint('dim', shown)}`, `    ${' '.repeat(Math.max(0, column - 1 - from))}^`];
}

/** As long as stdin brings lines, and no faster than the answers are taken. */
async function stream(rule: string | undefined): Promise<void> {
  const { answerLine, isRefused, readCondition } = await language();
  const condition = rule === undefined ? undefined : readCondition(rule, {}, 'condition');
  if (condition && isRefused(condition)) throw refusal(condition.source, condition.faults, false);
  const tooLong = JSON.stringify({ error: { type: 'line', message: 'the line is longer than 16,777,216 characters' } });
  const answers = async function* (): AsyncGenerator<string> {
    for await (const lines of linesOf(process.stdin))
      yield lines.map((line) => `${line === TOO_LONG ? tooLong : answerLine(line, condition?.json)}\n`).join('');
  };
  await toStdout(answers());
}
