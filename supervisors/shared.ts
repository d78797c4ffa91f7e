/** What nodes that share a database keep apart. A node with a database of its own has no name there. */
import { hostname } from 'node:os';
import type { StoreOptions } from '../actors/store/server.ts';

/** What this node is called among them; undefined when there are none. */
export const nodeOf = ({ url, node }: StoreOptions): string | undefined => (url === undefined ? undefined : (node ?? hostname()));
