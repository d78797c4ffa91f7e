/** What admin offers and what it needs: commands, the desk that everybody may read, and the port that config and the store stand behind. */
import { type Ask, call } from '../../lib/call.ts';
import type { ApiError, ChangeReply, Declaration, Declared, Kind, OverlayEntry, Source, Wanted } from '../../proto/api.ts';
import type { Feed } from '../feed.ts';
import type { Names } from '../names.ts';
import type { Branches, Step } from './branches.ts';
import type { Quarantine } from './quarantine.ts';

/** What admin is given to work with; `declare` and `diff` are config's. */
export interface AdminPort {
  readonly names: Names;
  readonly feed: Feed;
  readonly environment: string | undefined;
  /** The configuration's texts as they stand on disk now. @throws when they cannot be read. */
  readSources(): readonly Source[];
  declare(wanted: Wanted): Declaration;
  /** For `${secrets.NAME}`. */
  secrets(): Promise<Readonly<Record<string, string>>>;
  diff(running: readonly Declared[], wanted: readonly Declared[]): readonly Step[];
  /** Sections that differ from those with which the node was started, if any. */
  atRestart(declaration: Declaration): Pick<ChangeReply, 'atRestart'>;
  readonly branches: Branches;
  /** From here on this is what is declared: what is going to start is to find it so. */
  adopt(declared: readonly Declared[]): void;
  readonly silences: Silences;
  lastVersion(): Promise<{ readonly number: number; readonly overlay: unknown } | undefined>;
  /** @returns the number that it got. */
  saveVersion(version: Version): Promise<number>;
  /** A resource is no more: what is open of it ends, and what is kept of its state goes. */
  forget(gone: Declared): Promise<void>;
  /** Rules that have gone from the file while no node was there to see it end as well. */
  forgetOthers(declared: readonly Declared[]): Promise<void>;
  /** Hands the rules what was stored and not judged when the node died last; the second time it has nothing to do. */
  replay(): Promise<void>;
  /** The control socket: opened by admin's init, closed with it. */
  serve(desk: Desk, signal: AbortSignal): Promise<void>;
  /** Why the last process of a resource ended. */
  lastExit(child: string): string | undefined;
}
export interface Silences {
  /** How one of them stands now, and when that changes. */
  standing(name: string): { readonly status: string; readonly next: string | null; readonly endedMs: number };
}
export interface Version {
  readonly number: number;
  readonly atMs: number;
  readonly author: string;
  readonly reason: string;
  readonly diff: readonly string[];
  readonly overlay: readonly OverlayEntry[];
}

export type Command =
  | { readonly do: 'reload'; readonly author: string }
  | { readonly do: 'put'; readonly mode: 'create' | 'update'; readonly kind: Kind; readonly name: string; readonly source: Source; readonly author: string }
  | { readonly do: 'delete'; readonly kind: Kind; readonly name: string; readonly author: string };
export type CommandReply = ChangeReply | ApiError;

/** What is running, to be read by anybody at any time; changed only by `command`. */
export interface Desk {
  readonly declared: readonly Declared[];
  readonly system: Readonly<Record<string, unknown>>;
  readonly version: number;
  /** False while the node is starting or stopping. */
  readonly ready: boolean;
  readonly quarantine: Quarantine;
  readonly silences: Silences;
  /** The values that nobody is to see. */
  readonly secrets: readonly string[];
  command(command: Command): Promise<CommandReply>;
}

/** What admin knows, as it is now. */
export interface Live {
  declared: readonly Declared[];
  system: Readonly<Record<string, unknown>>;
  version: number;
  secrets: readonly string[];
}

/** The desk over what an admin knows; what is asked of it goes to whichever admin is alive. */
export const deskOn = (live: Readonly<Live>, { names, silences }: Pick<AdminPort, 'names' | 'silences'>, quarantine: Quarantine): Desk => ({
  get declared() {
    return live.declared;
  },
  get system() {
    return live.system;
  },
  get version() {
    return live.version;
  },
  get ready() {
    return names.whereis('admin') !== undefined;
  },
  get secrets() {
    return live.secrets;
  },
  quarantine,
  silences,
  command: (command) => {
    const admin = names.whereis('admin');
    return admin
      ? call(admin, command as Command & Ask<CommandReply>, Number.POSITIVE_INFINITY)
      : Promise.resolve(failure('not_ready', 'the node is starting or stopping'));
  },
});

/** The configuration cannot be used: the node does not start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: Declaration['faults'];
  constructor(faults: Declaration['faults']) {
    super(`the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}`);
    this.faults = faults;
  }
}

export const failure = (code: ApiError['error']['code'], message: string, more: object = {}): ApiError => ({ error: { code, message, ...more } });

/** The rules that name it. */
export const usersOf = (declared: readonly Declared[], kind: Kind, name: string): readonly string[] =>
  declared.filter((one) => one.kind === 'rule' && uses(one.spec, kind, name)).map((one) => one.name);

/** Whether a rule names it: as an action, as a monitor that wakes it, or in its condition. */
function uses(spec: unknown, kind: Kind, name: string): boolean {
  const {
    actions = [],
    on_resolve = [],
    monitor = [],
    condition,
  } = spec as { actions?: string[]; on_resolve?: string[]; monitor?: string | string[]; condition?: unknown };
  if (kind === 'action') return [...actions, ...on_resolve].includes(name);
  return kind === 'monitor' && ([monitor].flat().includes(name) || JSON.stringify(condition).includes(`"field":"${name}.`));
}
