/** Gathers what comes in while the last batch commits, so that a batch costs one hop and one commit, however many packets it came in. */
import type { Log, Metric, Telemetry } from '../event.ts';
import * as vitals from '../vitals.ts';

/** The batch was not kept: the store is away or refused it. */
export class Shed extends Error {
  override readonly name = 'Shed';
}

export class Intake {
  readonly #protocol: string;
  readonly #ingest: (telemetry: Telemetry) => Promise<void>;
  #metrics: Metric[] = [];
  #logs: Log[] = [];
  #gathering: Promise<void> | undefined;
  #committing: Promise<unknown> = Promise.resolve();

  constructor(protocol: string, ingest: (telemetry: Telemetry) => Promise<void>) {
    this.#protocol = protocol;
    this.#ingest = ingest;
  }

  /** Resolves when the store has them and the rules will see them. @throws Shed when the store has not. */
  take(metrics: readonly Metric[], logs: readonly Log[]): Promise<void> {
    vitals.received.inc({ protocol: this.#protocol }, metrics.length + logs.length);
    if (metrics.length + logs.length === 0) return Promise.resolve();
    for (const metric of metrics) this.#metrics.push(metric); // one by one: a list can be longer than a call may have arguments
    for (const log of logs) this.#logs.push(log);
    this.#gathering ??= this.#flush();
    return this.#gathering;
  }

  /** Count items that were refused. */
  reject(reason: string, count = 1): void {
    vitals.received.inc({ protocol: this.#protocol }, count);
    vitals.rejected.inc({ protocol: this.#protocol, reason }, count);
  }

  async #flush(): Promise<void> {
    await Promise.all([this.#committing, new Promise((resolve) => setImmediate(resolve))]);
    const telemetry: Telemetry = { protocol: this.#protocol, metrics: this.#metrics, logs: this.#logs };
    this.#metrics = [];
    this.#logs = [];
    this.#gathering = undefined;
    const done = this.#ingest(telemetry);
    this.#committing = done.catch(() => {}); // whoever waits for this batch hears of it; the next one only waits
    try {
      await done;
    } catch (error) {
      vitals.shed.inc({ protocol: this.#protocol, reason: 'store' }, telemetry.metrics.length + telemetry.logs.length);
      throw new Shed('the store is not available', { cause: error });
    }
  }
}
