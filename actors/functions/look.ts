/** The thread in which a module is looked at: it loads it, says what it exports, and has done. Nothing is called. It imports no file. */
import { type MessagePort, workerData } from 'node:worker_threads';

interface Start {
  readonly port: MessagePort;
  /** A file URL. */
  readonly module: string;
  /** Set, and waited for, when the answer is there. */
  readonly done: Int32Array<SharedArrayBuffer>;
}

const { port, module, done } = workerData as Start; // probe.ts has sent it
port.postMessage(await look());
Atomics.store(done, 0, 1);
Atomics.notify(done, 0);

async function look(): Promise<{ readonly exports: Readonly<Record<string, string>> } | { readonly fault: string }> {
  try {
    const exported: Readonly<Record<string, unknown>> = await import(module);
    return { exports: Object.fromEntries(Object.entries(exported).map(([name, value]) => [name, typeof value])) };
  } catch (error) {
    return { fault: (error instanceof Error ? error.message : String(error)).slice(0, 500) };
  }
}
