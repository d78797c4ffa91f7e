/** What the listeners' own queries ask, in the store's words. */
import { LEVELS, type Log, type Metric } from '../event.ts';
import type { Where } from './query/query.ts';
import type { Store } from './store.ts';

interface Asked {
  readonly service?: string;
  readonly name?: string;
  readonly level?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
}

/** Newest first. */
export const archiveOf = (store: Store) => ({
  metrics: async (asked: Asked): Promise<readonly Metric[]> => {
    const { name } = asked;
    return (await store.metrics({ ...whereOf(asked), ...(name === undefined ? {} : { name: { is: name } }) })).items;
  },
  logs: async (asked: Asked): Promise<readonly Log[]> => {
    const { level } = asked;
    return (await store.logs({ ...whereOf(asked), ...(level === undefined ? {} : { levels: LEVELS.filter((one) => one === level) }) })).items;
  },
});

const whereOf = ({ service, from, to, limit }: Asked): Where & { limit?: number } => ({
  ...(service === undefined ? {} : { service: { is: service } }),
  ...(from === undefined ? {} : { fromMs: from }),
  ...(to === undefined ? {} : { toMs: to }),
  ...(limit === undefined ? {} : { limit }),
});
