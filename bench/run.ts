/** Every benchmark, one after the other, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

for (const name of [
  'corridor.ts',
  'store-sqlite.ts',
  'store-postgres.ts',
  'drain.ts',
  'rules/windows.ts',
  'rules/pauses.ts',
  'rules/evaluate.ts',
  'rules/memory.ts',
  'rules/storm.ts',
  'rules/node.ts',
  'otp/table.ts',
]) {
  console.log(`\n# ${name}\n`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, name)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
