/** Waiting for something to become true, for what cannot tell by a message that it is. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Wait until `check` stops throwing, and answer what it answers; after `withinMs` its last error is the test's. */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 5_000): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await sleep(10);
  }
}
