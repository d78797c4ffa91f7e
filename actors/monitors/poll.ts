/** Turns a probe, which looks once, into a watch, which looks at every interval. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fields } from '../event.ts';
import type { MonitorPort } from './monitor.ts';

/** Answers what it saw; rejects with a WatchLost when nobody answered. */
export type Probe<C> = (config: C, signal: AbortSignal) => Promise<Fields>;

/** The next look begins `interval` ms after the last one ended: a slow target is never asked twice at a time. */
export const poll =
  <C extends { readonly interval: number }>(probe: Probe<C>) =>
  async (config: C, { emit, signal }: MonitorPort): Promise<void> => {
    while (!signal.aborted) {
      await emit(await probe(config, signal));
      await sleep(config.interval, undefined, { signal });
    }
  };
