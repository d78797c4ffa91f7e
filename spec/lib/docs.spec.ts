// docs/otp.md: its example is run as it stands, and prints what it says that it prints.
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

const project = join(import.meta.dirname, '../..');

describe('docs/otp.md', () => {
  it('has an example that prints what its comments say', async () => {
    const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(project, 'docs/otp.md'), 'utf8'))?.[1] ?? '';
    const promised = [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, says]) => says);
    expect(promised).to.have.length(3);
    const file = join(project, `.docs-example-${process.pid}.ts`); // its imports are relative to the project
    writeFileSync(file, code);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [file]);
      expect(stdout.trim().split('\n')).to.deep.equal(promised);
    } finally {
      rmSync(file);
    }
  });
});
