/** The thread of a custom function: loads its module, and answers one call after the other. It is ended from outside when one takes too long. It imports no file. */
import { getHeapStatistics } from 'node:v8';
import { type MessagePort, workerData } from 'node:worker_threads';
import type { Answer, Greeting, Order } from './outcome.ts';

interface Start {
  readonly port: MessagePort;
  /** A file URL. */
  readonly module: string;
  readonly name: string;
  /** Of an answer as JSON, in characters. */
  readonly longest: number;
}

/** Buffers are no part of the heap that the thread's limits are about: with more than this it ends. */
const MOST_OUTSIDE = 134_217_728;

const { port, module, name, longest } = workerData as Start; // thread.ts has sent it
const greet = (greeting: Greeting): void => port.postMessage(greeting);

const found = await load();
if (typeof found === 'function') {
  port.on('message', (order: Order) => answer(order, found));
  greet({ ready: true });
} else greet({ fault: found });

/** The function, or why there is none. */
async function load(): Promise<((...args: readonly unknown[]) => unknown) | string> {
  try {
    const exported: Readonly<Record<string, unknown>> = await import(module);
    const one = exported[name];
    if (typeof one === 'function') return (...args) => Reflect.apply(one, undefined, args);
    return one === undefined ? `the module has no export ${name}` : `the export ${name} is no function`;
  } catch (error) {
    return messageOf(error);
  }
}

function answer({ call, args }: Order, of: (...args: readonly unknown[]) => unknown): void {
  const began = performance.now();
  const came = outcome(() => of(...args));
  port.postMessage({ call, ms: performance.now() - began, ...came } satisfies Answer);
  if (getHeapStatistics().external_memory > MOST_OUTSIDE) process.exit(1);
}

function outcome(of: () => unknown): { readonly json: string } | { readonly failure: 'unknown' | 'threw' | 'value'; readonly message: string } {
  let value: unknown;
  try {
    value = of();
  } catch (error) {
    return { failure: 'threw', message: messageOf(error) };
  }
  if (value === undefined) return { failure: 'unknown', message: 'it answered undefined' };
  try {
    if (value instanceof Promise) value.catch(() => {}); // it is no answer, and its failure nobody's
    const json = JSON.stringify(value, plain);
    return json.length <= longest ? { json } : { failure: 'value', message: `its answer is longer than ${longest} characters` };
  } catch (error) {
    return { failure: 'value', message: `its answer is no JSON: ${messageOf(error)}` };
  }
}

/** What JSON would make another value of is no JSON. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(String(value));
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a value of type ${typeof value}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) throw new TypeError(value instanceof Promise ? 'a promise' : 'an object of a class');
  return value;
}

/** An error's own words, short; what was thrown may be anything. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).slice(0, 500);
  } catch {
    return 'something that has no text';
  }
}
