/** Both engines of the store, for specs that say of each that it does the same. */
import { randomBytes } from 'node:crypto';
import type { Root } from './actors.ts';
import { postgres, tempFolder } from './services.ts';
import { TestStore } from './store.ts';

export interface Engine {
  readonly name: string;
  /** An empty store, not yet started. */
  fresh(root: Root): Promise<TestStore>;
}

export const freshSchema = (): string => `spec_${randomBytes(6).toString('hex')}`;

export const ENGINES: readonly Engine[] = [
  { name: 'SQLite', fresh: async (root) => new TestStore(root) },
  { name: 'PostgreSQL', fresh: async (root) => new TestStore(root, tempFolder(), { url: (await postgres()).url, schema: freshSchema(), node: 'spec' }) },
];
