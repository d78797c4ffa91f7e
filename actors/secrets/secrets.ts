/** The keeper of secrets: an actor over the vault. It gives values to the configuration's loading, and names to everybody else. */
import { type Ask, call } from '../../lib/call.ts';
import type { ChildSpec } from '../../lib/child-spec.ts';
import { type GenServer, type Init, type Next, ok, reply, startLink } from '../../lib/gen-server.ts';
import type { Process } from '../../lib/process.ts';
import type { Names } from '../names.ts';
import { Vault } from './vault.ts';

type Request =
  | { readonly do: 'values' | 'names' }
  | { readonly do: 'set'; readonly name: string; readonly value: string }
  | { readonly do: 'delete'; readonly name: string };

type Answer<T> = { readonly value: T } | { readonly error: string };

/** The keeper as the others see it. @throws CallError when it is away. */
export class Secrets {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  values(): Promise<Readonly<Record<string, string>>> {
    return this.#ask({ do: 'values' });
  }
  names(): Promise<readonly string[]> {
    return this.#ask({ do: 'names' });
  }
  set(name: string, value: string): Promise<void> {
    return this.#ask({ do: 'set', name, value });
  }
  /** False when there is none of that name. */
  delete(name: string): Promise<boolean> {
    return this.#ask({ do: 'delete', name });
  }

  async #ask<T>(request: Request): Promise<T> {
    const keeper = this.#names.whereis('secrets');
    if (!keeper) throw new Error('the keeper of secrets is not running');
    const answer = await call(keeper, request as Request & Ask<Answer<T>>);
    if ('error' in answer) throw new Error(answer.error);
    return answer.value;
  }
}

export const secretsChild = (names: Names, dataDir: string, key: string | undefined): ChildSpec => ({
  id: 'secrets',
  start: (parent) => startLink(parent, new Keeper(names, dataDir, key), { name: 'secrets' }),
});

class Keeper implements GenServer<Vault, Request> {
  readonly #names: Names;
  readonly #dataDir: string;
  readonly #key: string | undefined;

  constructor(names: Names, dataDir: string, key: string | undefined) {
    this.#names = names;
    this.#dataDir = dataDir;
    this.#key = key;
  }

  init(self: Process): Init<Vault> {
    const vault = new Vault(this.#dataDir, this.#key);
    this.#names.register(self, 'secrets', undefined);
    return ok(vault);
  }

  /** A disk that is full is an answer, not the end of the keeper: the stages above it would go with it. */
  handleCall(request: Request, _from: unknown, vault: Vault): Next<Vault> {
    try {
      return reply({ value: perform(request, vault) }, vault);
    } catch (error) {
      return reply({ error: `the secrets cannot be written: ${error instanceof Error ? error.message : String(error)}` }, vault);
    }
  }
}

function perform(request: Request, vault: Vault): unknown {
  switch (request.do) {
    case 'values':
      return vault.all();
    case 'names':
      return vault.names();
    case 'set':
      return vault.set(request.name, request.value);
    case 'delete':
      return vault.delete(request.name);
  }
}
