/** What came of unit tests of rules, for people, as TAP (version 13), and as JUnit XML. Pure but for the terminal's colours. */
import type { ExplainedPart } from '../proto/api.ts';
import type { TestedCase, TestedFile, TestFailure } from '../proto/reports.ts';
import { partText } from './commands/rules.ts';
import { faultText, paint } from './output.ts';

/** A file that cannot be used counts as one test, an error. */
export function countsOf(files: readonly TestedFile[]): { readonly tests: number; readonly failures: number; readonly errors: number } {
  const cases = files.flatMap((file) => file.cases);
  const errors = files.filter(({ faults }) => faults.length > 0).length;
  return { tests: cases.length + errors, failures: cases.filter(({ failures }) => failures.length > 0).length, errors };
}

export function reportText(files: readonly TestedFile[]): string {
  const { tests, failures, errors } = countsOf(files);
  const blocks = files.map(({ file, faults, cases }) =>
    [paint('bold', file), ...faults.map((fault) => `  ${paint('red', '✗')} ${faultText(fault)}`), ...cases.flatMap((one) => caseText(file, one))].join('\n'),
  );
  const unusable = errors > 0 ? `, ${errors} file${errors === 1 ? '' : 's'} that cannot be used` : '';
  const all = `${tests - errors} test${tests - errors === 1 ? '' : 's'}, ${failures > 0 ? `${failures} not met` : 'all met'}${unusable}`;
  return [...blocks, paint(failures + errors > 0 ? 'red' : 'green', all)].join('\n\n');
}

function caseText(file: string, { name, failures }: TestedCase): readonly string[] {
  if (failures.length === 0) return [`  ${paint('green', '✓')} ${name}`];
  return [`  ${paint('red', '✗')} ${name}`, ...failures.flatMap((one) => failureText(file, one).map((text) => `      ${text}`))];
}

function failureText(file: string, { line, column, at, rule, instance, what, expected, got, explanation }: TestFailure): readonly string[] {
  return [
    `${file}:${line}:${column} at ${at}, rule ${rule}${instance === undefined ? '' : `, ${instance}`}: ${what}`,
    `  expected ${JSON.stringify(expected)}`,
    `  got      ${JSON.stringify(got)}`,
    ...(explanation ? partText(explanation, '  ') : []),
  ];
}

/** Without colours. */
const plainFailure = (file: string, { explanation, ...failure }: TestFailure): string =>
  [...failureText(file, failure), ...(explanation ? plainPart(explanation, '  ') : [])].join('\n');
function plainPart({ text, truth, value, reason, of = [] }: ExplainedPart, indent: string): readonly string[] {
  const shown = value === undefined ? '' : ` = ${JSON.stringify(value)}`;
  return [
    `${indent}${text}: ${truth ?? 'unknown'}${shown}${reason === undefined ? '' : ` (${reason})`}`,
    ...of.flatMap((one) => plainPart(one, `${indent}  `)),
  ];
}

/** What is wrong, one entry a failure; none: it is met. */
interface Line {
  readonly file: string;
  readonly name: string;
  readonly line: number | undefined;
  readonly wrong: readonly { readonly title: string; readonly text: string }[];
  readonly isError: boolean;
}
const linesOf = ({ file, faults, cases }: TestedFile): readonly Line[] => [
  ...(faults.length > 0
    ? [{ file, name: 'can be used', line: faults[0]?.line, wrong: faults.map((one) => ({ title: faultText(one), text: '' })), isError: true }]
    : []),
  ...cases.map(({ name, line, failures }) => ({
    file,
    name,
    line,
    wrong: failures.map((one) => ({ title: `at ${one.at}, rule ${one.rule}: ${one.what}`, text: plainFailure(file, one) })),
    isError: false,
  })),
];

/** A description may hold anything but a line end; `#` would begin a directive. */
const described = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('#', '\\#');

export function tapText(files: readonly TestedFile[]): string {
  const lines = files.flatMap(linesOf);
  return [
    'TAP version 13',
    `1..${lines.length}`,
    ...lines.flatMap(({ file, name, line, wrong }, i) => {
      const result = `${wrong.length === 0 ? 'ok' : 'not ok'} ${i + 1} - ${described(`${file}: ${name}`)}`;
      if (wrong.length === 0) return [result];
      const message = wrong.map(({ title, text }) => text || title).join('\n');
      return [result, '  ---', `  message: ${JSON.stringify(message)}`, '  severity: fail', `  file: ${JSON.stringify(file)}`, `  line: ${line ?? 1}`, '  ...'];
    }),
  ].join('\n');
}

export function junitText(files: readonly TestedFile[]): string {
  const totals = (of: readonly TestedFile[]): string => {
    const { tests, failures, errors } = countsOf(of);
    return `tests="${tests}" failures="${failures}" errors="${errors}"`;
  };
  const suites = files.map((one) => [`  <testsuite name="${xml(one.file)}" ${totals([one])}>`, ...linesOf(one).map(testcase), '  </testsuite>'].join('\n'));
  return ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites name="argos test" ${totals(files)}>`, ...suites, '</testsuites>', ''].join('\n');
}

function testcase({ file, name, line, wrong, isError }: Line): string {
  const open = `    <testcase classname="${xml(file)}" name="${xml(name)}" file="${xml(file)}" line="${line ?? 1}"`;
  if (wrong.length === 0) return `${open}/>`;
  const tag = isError ? 'error' : 'failure';
  const text = wrong.map((one) => one.text || one.title).join('\n');
  const title = wrong.map((one) => one.title).join('; ');
  return `${open}>\n      <${tag} message="${xml(title)}">${xml(text)}</${tag}>\n    </testcase>`;
}

/** What XML 1.0 cannot hold at all is shown as �. */
const xml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '�')
    .replaceAll(/[&<>"\n]/g, (c) => `&#${c.charCodeAt(0)};`);
