/** `get`, `describe`, `create`, `update`, `delete`: resources one by one, in the running node. */
import type { Argv } from 'yargs';
import { type ChangeReply, EDITABLE, KINDS, type ResourceInfo } from '../../proto/api.ts';
import { ask } from '../client.ts';
import { appliedText, print, printJson, say, table } from '../output.ts';
import { readSource } from '../sources.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}

const named = <T>(y: Argv<T>) =>
  y
    .positional('kind', { choices: EDITABLE, demandOption: true, describe: 'what it is' })
    .positional('name', { type: 'string', demandOption: true, describe: 'its name' });
const withConfig = <T>(y: Argv<T>) =>
  named(y).option('config', { type: 'string', demandOption: true, describe: 'a file with the resource itself, or a configuration that holds it; - is stdin' });

export const resourceCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs
    .command(
      'get <kind> [name]',
      'list resources, or show one',
      (y) =>
        y
          .positional('kind', { choices: [...KINDS, ...KINDS.map((kind) => `${kind}s` as const)], demandOption: true, describe: 'what to list' })
          .positional('name', { type: 'string', describe: 'only this one' }),
      async ({ socket, json, kind, name }) => {
        const one = kind.replace(/s$/, '');
        if (name !== undefined) return show(socket, json, one, name);
        const all = await ask<ResourceInfo[]>(socket, 'GET', `/v1/resources?kind=${one}`);
        if (json) printJson(all);
        else
          print(
            table(
              ['NAME', 'TYPE', 'STATUS', 'ORIGIN', 'DETAIL'],
              all.map(({ name: own, type, status, origin, detail }) => [own, type, status, origin, brief(detail)]),
            ),
          );
      },
    )
    .command(
      'describe <kind> <name>',
      'one resource: as configured, and how it stands',
      (y) => named(y),
      ({ socket, json, kind, name }) => show(socket, json, kind, name),
    )
    .command(
      'create <kind> <name>',
      'start a new resource in the running node',
      (y) => withConfig(y),
      ({ socket, json, kind, name, config }) => put('POST', socket, json, kind, name, config),
    )
    .command(
      'update <kind> <name>',
      'replace a resource in the running node',
      (y) => withConfig(y),
      ({ socket, json, kind, name, config }) => put('PUT', socket, json, kind, name, config),
    )
    .command(
      'delete <kind> <name>',
      'stop a resource of the running node for good',
      (y) => named(y),
      async ({ socket, json, kind, name }) => {
        changed(await ask<ChangeReply>(socket, 'DELETE', path(kind, name)), json);
      },
    );

const path = (kind: string, name: string): string => `/v1/resources/${kind}/${encodeURIComponent(name)}`;

async function put(method: 'POST' | 'PUT', socket: string, json: boolean, kind: string, name: string, config: string): Promise<void> {
  changed(await ask<ChangeReply>(socket, method, path(kind, name), readSource(config)), json);
}

/** What a change has come to. */
export function changed(reply: ChangeReply, json: boolean): void {
  if (json) printJson(reply);
  else if (reply.atRestart) say(`${changedText(reply)}\n${reply.atRestart.join(' and ')}: what was changed there counts from the next start of the node`);
  else say(changedText(reply));
}

const changedText = ({ version, resources }: ChangeReply): string =>
  resources.length === 0 ? `nothing to change, version ${version}` : `version ${version}\n${appliedText(resources)}`;

async function show(socket: string, json: boolean, kind: string, name: string): Promise<void> {
  const info = await ask<ResourceInfo>(socket, 'GET', path(kind, name));
  if (json) printJson(info);
  else
    print(
      `${info.kind} ${info.name}  type ${info.type}  ${info.status}  origin ${info.origin}\n${JSON.stringify({ detail: info.detail, config: info.config }, null, 2)}`,
    );
}

function brief(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return '';
  const { phase, address, failures, observedAt, episode } = detail as Record<string, unknown>;
  const facts = [phase, address, failures ? `${String(failures)} failures` : undefined, observedAt ? `seen ${String(observedAt)}` : undefined, episode];
  return facts.filter(Boolean).map(String).join(' · ');
}
