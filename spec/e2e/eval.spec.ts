// `argos eval`: no node is there, and none is needed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { cli } from '../support/node.ts';
import { tempFolder } from '../support/services.ts';

const ARGOS = resolve(import.meta.dirname, '../../bin/argos');
const DATA = JSON.stringify({ m: { x: 6 } });
const evaluate = (...words: readonly string[]) => cli(['eval', ...words]);

describe('argos eval', function () {
  this.timeout(30_000);

  it('prints the result as JSON, or that it is unknown, and exits 0 whatever it is', async () => {
    for (const [words, stdout] of [
      [['m.x > 5', '--data', DATA], 'true'],
      [['m.x > 7', `--data=${DATA}`], 'false'],
      [['{"+": [{"var": "m.x"}, 1]}', '-d', DATA], '7'],
      [['"apple"'], '"apple"'],
      [['m.x > 5'], 'unknown'],
      [['"a" in m."x y"', '--data', '{"m": {"x y": "a"}}'], 'true'], // yargs would take the first and the last quotation mark away
    ] as const)
      expect(await evaluate(...words), words[0]).to.deep.equal({ code: 0, stdout: `${stdout}\n`, stderr: '' });
    expect(JSON.parse((await evaluate('m.x > 5', '--json')).stdout)).to.deep.equal({ result: null, unknown: true });
  });

  it('reads condition and data from files and from stdin', async () => {
    const file = join(tempFolder(), 'data.json');
    writeFileSync(file, DATA);
    expect(await evaluate('m.x > 5', '--data', `@${file}`)).to.include({ code: 0, stdout: 'true\n' });
    expect(await cli(['eval', 'm.x > 5', '--data', '-'], { input: DATA })).to.include({ code: 0, stdout: 'true\n' });
    expect(await cli(['eval', '-', '--data', `@${file}`], { input: 'm.x > 7\n' })).to.include({ code: 0, stdout: 'false\n' });
    for (const words of [['@/nowhere'], ['m.x', '--data', '{'], ['-', '--data', '-'], [], ['true', '--stdin', '--data', '1']])
      expect((await evaluate(...words)).code, words.join(' ')).to.equal(2);
  });

  it('says what is no condition with line, column, a caret and the nearest word, and exits 2', async () => {
    const { code, stderr } = await evaluate('m.x > 5\n  adn m.y');
    expect(code).to.equal(2);
    expect(stderr).to.match(/condition:2:3 .*expected an operator, got "adn" \(did you mean and\?\)\n {6}adn m\.y\n {6}\^/);
    const told = await evaluate('m.x = 5', '--json');
    expect(told.code).to.equal(2);
    expect(JSON.parse(told.stdout).error.faults[0]).to.include({ line: 1, column: 5, nearest: '==' });
  });

  it('exits 1 when the evaluation fails, and says where', async () => {
    expect(await evaluate('if(true, 1 / m.x, 0)', '--data', '{"m": {"x": 0}}')).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'argos: /: divided by zero (/if/1)\n',
    });
    const { code, stdout } = await evaluate('{"/": [1, {"var": "x"}]}', '--data', '{"x": 0}', '--json');
    expect({ code, ...JSON.parse(stdout) }).to.deep.equal({ code: 1, error: { type: 'NaN', message: '/: divided by zero', at: '' } });
  });

  it('explains each part, and prints the other form', async () => {
    expect((await evaluate('m.x > 5 and n.y < 3', '--explain', '--data', DATA)).stdout).to.equal(
      'and: unknown (a part is unknown)\n  m.x > 5: true = 6\n  n.y < 3: unknown (no state of n yet)\n',
    );
    expect((await evaluate('m.x > 5', '--to', 'json')).stdout).to.equal('{"field":"m.x","op":">","value":5}\n');
    expect((await evaluate('{"field": "m.x", "op": ">", "value": 5}', '--text')).stdout).to.equal('m.x > 5\n');
    expect((await evaluate('{"preserve": {"a": 1}}', '--text')).code).to.equal(1);
  });

  it('answers a stream line by line, each as soon as it has come, and goes on after a bad one', async () => {
    const child = spawn(ARGOS, ['eval', '--stdin'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ask = async (line: string): Promise<string> => {
      child.stdin.write(`${line}\n`);
      return String((await once(child.stdout, 'data'))[0]);
    };
    expect(await ask('{"rule": {"+": [1, 2]}}')).to.equal('{"result":3}\n');
    expect(await ask('nonsense')).to.match(/^\{"error":\{"type":"line"/);
    expect(await ask('{"rule": "m.x > 1", "data": {"m": {"x": 2}}}')).to.equal('{"result":true}\n');
    child.stdin.end('{"rule": true}');
    expect(String((await once(child.stdout, 'data'))[0])).to.equal('{"result":true}\n');
    expect((await once(child, 'exit'))[0]).to.equal(0);
  });

  it('takes no more of a stream than its answers are taken', async () => {
    const child = spawn(ARGOS, ['eval', 'x.y', '--stdin'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = '{"data": {}}\n'.repeat(1_000);
    let sent = 0;
    const moved = (): Promise<boolean> =>
      Promise.race([once(child.stdin, 'drain').then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, false))]);
    while (sent < 100_000_000) {
      sent += lines.length;
      if (!child.stdin.write(lines) && !(await moved())) break; // nobody reads its stdout
    }
    expect(sent).to.be.below(10_000_000);
    child.kill();
    await once(child, 'exit');
  });
});
