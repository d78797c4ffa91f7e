/** Numbered messages to a broker (npm mqtt, QoS 1), at a steady pace, so that a gap can be seen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';

export interface Traffic {
  /** Stop, and answer how many were acknowledged by the broker: 0 … count - 1. */
  stop(): Promise<number>;
}

export async function startTraffic(url: string, topic: string, everyMs = 10): Promise<Traffic> {
  const client = await connectAsync(url);
  let running = true;
  let count = 0;
  const run = async (): Promise<void> => {
    while (running) {
      await client.publishAsync(topic, JSON.stringify({ n: count }), { qos: 1 });
      count++;
      await sleep(everyMs);
    }
  };
  const done = run();
  return {
    stop: async () => {
      running = false;
      await done;
      await client.endAsync();
      return count;
    },
  };
}
