/** Versions of the configuration, where nodes that share a database share their history, too: whose each is, and which is this node's last. */
import type { Version } from '../actors/admin/desk.ts';
import type { Store } from '../actors/store/store.ts';

type Kept = Awaited<ReturnType<Store['versions']>>[number];
/** The author of what a node made by itself, when it was started. */
const NODE = 'node';
const SIGNED = /(?:^|, )node (.+)$/;
/** Looked through for the last of this node. */
const MOST = 10_000;
/** Another node may take a number first, now and then. */
const ATTEMPTS = 5;

export class History {
  readonly #store: Store;
  readonly #node: string;
  readonly #shared: boolean;

  /** @param node `store.node`. @param shared other nodes may use the same database. */
  constructor(store: Store, node: string, shared: boolean) {
    this.#store = store;
    this.#node = node;
    this.#shared = shared;
  }

  /** What this node was last; undefined: nothing yet. */
  async last(): Promise<Kept | undefined> {
    const [newest] = await this.#store.versions(1);
    if (!newest || whoseIs(newest) === this.#node || whoseIs(newest) === undefined) return newest;
    // What names no node was made before there were several: who comes first goes on with it. One that is alone goes on with what was restored.
    const versions = await this.#store.versions(MOST);
    return versions.find((version) => whoseIs(version) === this.#node) ?? (this.#shared ? undefined : newest);
  }

  /** @returns the number that it got: its own, or when another node has taken that, the next one that is free. */
  async save({ number: wanted, author, ...version }: Version): Promise<number> {
    for (let [number, attempt] = [wanted, 1]; ; attempt++) {
      try {
        await this.#store.commit([{ set: 'version', version: { ...version, number, author: this.#signed(author) } }]);
        return number;
      } catch (error) {
        const [newest] = await this.#store.versions(1);
        if (!newest || newest.number < number || attempt === ATTEMPTS) throw error;
        number = newest.number + 1;
      }
    }
  }

  #signed(author: string): string {
    if (!this.#shared) return author;
    return author === NODE ? `${NODE} ${this.#node}` : `${author}, ${NODE} ${this.#node}`;
  }
}

const whoseIs = ({ author }: Kept): string | undefined => SIGNED.exec(author)?.[1];
