/** Monitor type `push`: what devices and services send to Argos's own listeners. */
import { Type } from 'typebox';
import { LEVELS, type Log, type Metric } from '../event.ts';
import { glob } from '../glob.ts';
import { oneOf } from '../schema.ts';
import type { MonitorType } from './monitor.ts';

const schema = Type.Object(
  {
    kind: Type.Optional(oneOf(['metric', 'log'], { description: 'Left out: both.' })),
    service: Type.Optional(Type.String({ description: 'The sender; `*` matches any run of characters. Left out: any.' })),
    name: Type.Optional(Type.String({ description: "The metric's name; `*` matches any run of characters." })),
    level: Type.Optional(Type.Array(oneOf(LEVELS), { minItems: 1, description: "The log's level." })),
    tags: Type.Record(Type.String(), Type.String(), { default: {}, description: 'Tags that the item must have; `*` matches any run of characters.' }),
  },
  { additionalProperties: false, description: "What devices and services send to Argos's own listeners." },
);

/** The one text that a pattern matches, if it is one. */
const only = (pattern: string | undefined): string | undefined => (pattern?.includes('*') ? undefined : pattern);

export const push: MonitorType<typeof schema> = {
  type: 'push',
  schema,
  fields: ['service', 'name', 'value', 'level', 'message', 'tags', 'timestamp', 'up'],
  bulkField: 'service',
  stored: ({ kind, service, name, level, tags }) => (kind === 'log' || level !== undefined ? undefined : { service, name, tags }),
  watch({ kind, service, name, level, tags }, { tap, signal }) {
    const [isService, isName] = [glob(service), glob(name)];
    const tagged = Object.entries(tags).map(([key, pattern]) => [key, glob(pattern)] as const);
    const wants = (item: Metric | Log): boolean => {
      const fits =
        'value' in item
          ? kind !== 'log' && level === undefined && isName(item.name)
          : kind !== 'metric' && name === undefined && (level === undefined || level.includes(item.level));
      return fits && isService(item.service) && tagged.every(([key, matches]) => matches(Object.hasOwn(item.tags, key) ? item.tags[key] : undefined));
    };
    tap({ wants, service: only(service), name: only(name) }, (item) => ({ ...item }));
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  },
};
