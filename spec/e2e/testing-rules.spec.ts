// `argos test` as a user runs it: what it prints, its exit codes, and what other programs make of its output.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { parse } from 'jsonc-parser';
import { TEST_SCHEMA_FILE, testSchema, testSchemaText } from '../../config/schema.ts';
import { cli } from '../support/node.ts';
import { tempFolder } from '../support/services.ts';

const DOCS = readFileSync(resolve(import.meta.dirname, '../../docs/testing-rules.md'), 'utf8');
const [configText = '', testText = ''] = [...DOCS.matchAll(/```jsonc\n(.*?)```/gs)].map(([, text]) => text);

/** Every tag closed by its own, attributes quoted, no `&` or `<` but as they must be: XML 1.0 well-formedness as far as this output can break it. */
function wellFormed(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const rest = xml
    .replace(/<\?xml [^?]*\?>\n/, '')
    .replaceAll(/<(\/?)([a-z]+)((?: [a-z]+="(?:[^<&"\n]|&#\d+;)*")*)(\/?)>/g, (_, closes: string, name: string, _of, empty: string) => {
      if (closes) expect(open.pop()).to.equal(name);
      else names.push(name);
      if (!closes && !empty) open.push(name);
      return '';
    });
  expect(open).to.deep.equal([]);
  expect(rest.replaceAll(/&#\d+;/g, '')).to.match(/^[^<&\0-\x08\x0b\x0c\x0e-\x1f]*$/);
  return names;
}
const prove = spawnSync('prove', ['--version']).status === 0;

describe('argos test', function () {
  this.timeout(60_000);
  const folder = tempFolder();
  const put = (name: string, text: string): string => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const test = (...args: readonly string[]) => cli(['test', ...args], { cwd: folder });
  before(() => {
    put('greenhouse.jsonc', configText);
    put('greenhouse.test.jsonc', testText);
    put(
      'more/wrong.test.jsonc',
      testText
        .replace('"greenhouse.jsonc"', '"../greenhouse.jsonc"')
        .replace('"at": "29s", "rule": "hot", "state": "pending"', '"at": "29s", "rule": "hot", "state": "firing"')
        .replace('is quiet', 'is \\"quiet\\" # <&> \\u0007'),
    );
    put('bad/bad.test.jsonc', testText.replace('"greenhouse.jsonc"', '"../greenhouse.jsonc"').replace('"rule": "hot"', '"rule": "hott"'));
  });

  it('runs the example of docs/testing-rules.md: all is met', async () => {
    const { code, stdout } = await test('greenhouse.test.jsonc');
    expect(DOCS).to.include(stdout.trim());
    expect(code).to.equal(0);
  });

  it('says of what is not met what was expected, what came, and why; its code is 8', async () => {
    const { code, stdout } = await test('more');
    expect(code).to.equal(8);
    expect(stdout).to.match(
      /more\/wrong\.test\.jsonc:\d+:\d+ at 29s, rule hot: state\n +expected "firing"\n +got +"pending"\n +and: true\n +air\.value > 30: true = 35/,
    );
    expect(stdout).to.match(/3 tests, 1 not met\n$/);
    const only = await test('more', '--only', 'quiet');
    expect(only.stdout).to.match(/1 test, all met\n$/);
    expect(only.code).to.equal(0);
  });

  it('refuses what is not valid with its place and the nearest word, runs the rest, and its code is 78', async () => {
    const { code, stdout } = await test('bad', 'greenhouse.test.jsonc');
    expect(code).to.equal(78);
    expect(stdout).to.match(
      /bad\/bad\.test\.jsonc:\d+:\d+ \/cases\/0\/expect\/0\/rule: expected the name of a rule that is declared, got "hott" \(did you mean hot\?\)/,
    );
    expect(stdout).to.match(/3 tests, all met, 1 file that cannot be used\n$/);
    expect((await test('nothing')).code).to.equal(2);
    expect((await test('greenhouse.test.jsonc', '--only', 'no such case')).code).to.equal(2);
    const lost = put('lost.test.jsonc', testText.replace('greenhouse.jsonc', 'gone.jsonc'));
    expect((await test(lost)).stdout).to.match(/lost\.test\.jsonc:2:\d+ \/config: expected a configuration that is there/);
  });

  it('prints TAP that a TAP consumer reads as it is meant', async () => {
    const { stdout, code } = await test('greenhouse.test.jsonc', 'more', 'bad', '--tap');
    expect(code).to.equal(78);
    const [version, plan, ...lines] = stdout.trimEnd().split('\n');
    expect([version, plan]).to.deep.equal(['TAP version 13', '1..7']);
    const results = lines.filter((line) => /^(not )?ok/.test(line)).map((line) => line.replace(/ - .*/, ''));
    expect(results).to.deep.equal(['ok 1', 'ok 2', 'ok 3', 'not ok 4', 'ok 5', 'ok 6', 'not ok 7']);
    expect(
      lines.every((line) => /^(?:(?:not )?ok \d+ - (?:[^#\\]|\\.)+| {2}(?:---|\.\.\.|[a-z]+: .*))$/.test(line)),
      'nothing else, and no directive',
    ).to.equal(true);
    if (!prove) return;
    const file = put('out.tap', stdout);
    const answer = spawnSync('prove', ['--exec', 'cat', file], { encoding: 'utf8' });
    expect(answer.stdout)
      .to.match(/Failed tests?: {1,2}4, 7/)
      .and.match(/Tests: 7 Failed: 2/);
    expect(answer.stdout).to.not.match(/Parse errors/);
  });

  it('writes JUnit XML that is well formed, whatever is in the names', async () => {
    await test('greenhouse.test.jsonc', 'more', 'bad', '--junit', 'out.xml');
    const xml = readFileSync(join(folder, 'out.xml'), 'utf8');
    const names = wellFormed(xml);
    expect(names.filter((name) => name === 'testcase')).to.have.length(7);
    expect(names.filter((name) => name === 'failure')).to.have.length(1);
    expect(names.filter((name) => name === 'error')).to.have.length(1);
    expect(xml).to.include('<testsuites name="argos test" tests="7" failures="1" errors="1">');
    expect(() => wellFormed(xml.replace('</testsuites>', '')), 'this check can fail').to.throw();
  });

  it('has all of it as JSON, and no colours but on a terminal', async () => {
    const { stdout } = await test('more', '--json');
    expect(JSON.parse(stdout)).to.have.property('met', false);
    expect((await test('more')).stdout).to.not.include('\u001b');
    expect((await test('more', '--json', '--tap')).code).to.equal(2);
  });

  it('has a published schema that is fresh and takes the example', () => {
    expect(readFileSync(TEST_SCHEMA_FILE, 'utf8')).to.equal(testSchemaText());
    const validate = new Ajv2020({ allErrors: true, strict: false, validateFormats: false }).compile(testSchema());
    expect(validate(parse(testText)), JSON.stringify(validate.errors)).to.equal(true);
    expect(validate({ cases: [{ name: 'it', expect: [{ rule: 'hot', state: 'firing' }] }] }), 'no time').to.equal(false);
  });
});
