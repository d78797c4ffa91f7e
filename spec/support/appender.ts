/** A store in a process of its own, to be killed: it appends and commits without end, and says on stdout what has been acknowledged. */
import { Registry } from '../../lib/registry.ts';
import { storeChild } from '../../actors/store/server.ts';
import { Store } from '../../actors/store/store.ts';
import { jobOf, Root } from './actors.ts';

const names = new Registry<undefined>();
const store = new Store(names);
/** A folder; and what else the store is told, as JSON. */
const [, , dataDir = '', more = '{}'] = process.argv;
await new Root().start(storeChild(store, names, { dataDir, ...(JSON.parse(more) as object) }));

/** Several at a time, so that the kill also meets groups of requests. */
await Promise.all(
  [0, 1, 2, 3].map(async (lane) => {
    for (let i = 0; ; i++) {
      const metric = { name: 'm', service: `lane-${lane}`, value: i, timestamp: i, tags: { batch: String(i % 7) } };
      await store.append({
        protocol: 'spec',
        metrics: [metric, metric],
        logs: [{ level: 'info', message: String(i), service: `lane-${lane}`, timestamp: i, tags: {} }],
      });
      await store.commit([
        { set: 'rule_state', rule: `lane-${lane}`, state: i },
        { set: 'job', job: jobOf({ id: `${lane}/${i}` }), status: 'queued' },
      ]);
      process.stdout.write(`${lane} ${i}\n`);
    }
  }),
);
