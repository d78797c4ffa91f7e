/** A whole node inside the spec's own process, so that a spec can kill its actors one by one. */
import { join } from 'node:path';
import { type Process, processes } from '../../lib/process.ts';
import { type RunningNode, startNode } from '../../supervisors/node.ts';
import { tempFolder } from './services.ts';

export interface InsideNode {
  readonly node: RunningNode;
  readonly dataDir: string;
  readonly socket: string;
  /** The living processes by name, of this node. */
  names(): readonly string[];
  process(name: string): Process;
  stop(): Promise<unknown>;
}

/** @param folder where its data and its socket are; that of one that has ended, to go on where that was. */
export async function startInside(config: unknown, env: Readonly<Record<string, string>> = {}, folder = tempFolder()): Promise<InsideNode> {
  const socket = join(folder, 'run', 'argos.sock');
  const dataDir = join(folder, 'data');
  const others = new Set(processes());
  const node = await startNode({ readSources: () => [{ file: 'spec.jsonc', text: JSON.stringify(config) }], env, dataDir, socket, argosVersion: 'spec' });
  const named = (): readonly Process[] => [...processes()].filter((one) => one.name !== '' && !others.has(one));
  return {
    node,
    dataDir,
    socket,
    names: () => named().map(({ name }) => name),
    process: (name) => {
      const found = named().find((one) => one.name === name);
      if (!found)
        throw new Error(
          `there is no process ${name} among ${named()
            .map((one) => one.name)
            .join(', ')}`,
        );
      return found;
    },
    stop: () => {
      node.stop();
      return node.ended;
    },
  };
}
