/** `start`, `stop`, `status`, `tree`, `logs`: the node itself. */
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Argv } from 'yargs';
import packageJson from '../../package.json' with { type: 'json' };
import type { Status, StoreStatus, TreeNode } from '../../proto/api.ts';
import { ask, CommandError, EXIT, open } from '../client.ts';
import { bytes, duration, errorText, faultsText, paint, paintStatus, print, printJson, say, tree } from '../output.ts';
import { configPath, readSources } from '../sources.ts';

interface Common {
  readonly socket: string;
  readonly json: boolean;
}

export const nodeCommands = (yargs: Argv<Common>): Argv<Common> =>
  yargs
    .command(
      'start',
      'run a node in the foreground; SIGTERM and SIGINT drain and stop it, SIGHUP reloads',
      (y) =>
        y
          .option('config', { type: 'string', describe: 'the configuration, a file or a directory (ARGOS_CONFIG, ./argos.jsonc)' })
          .option('data-dir', { type: 'string', describe: 'where the database is (ARGOS_DATA_DIR, ./data)', default: process.env.ARGOS_DATA_DIR ?? './data' })
          .option('env', { type: 'string', describe: 'the entry of `environments` to merge over the rest' }),
      ({ socket, config, dataDir, env }) => start(socket, resolve(configPath(config)), resolve(dataDir), env),
    )
    .command(
      'stop',
      'drain and stop the running node',
      (y) => y,
      async ({ socket, json }) => {
        await ask(socket, 'POST', '/v1/stop');
        await gone(socket);
        if (json) printJson({ stopped: true });
        else say('stopped');
      },
    )
    .command(
      'status',
      'health in one screen; exit code 8 when degraded',
      (y) => y,
      async ({ socket, json }) => {
        const status = await ask<Status>(socket, 'GET', '/v1/status');
        if (json) printJson(status);
        else print(statusText(status));
        if (status.health !== 'ok') process.exitCode = EXIT.degraded;
      },
    )
    .command(
      'tree',
      'the live supervision tree',
      (y) => y,
      async ({ socket, json }) => {
        const root = await ask<TreeNode>(socket, 'GET', '/v1/tree');
        if (json) printJson(root);
        else print(tree(root));
      },
    )
    .command(
      'logs',
      "the node's own log",
      (y) =>
        y
          .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on with what comes' })
          .option('lines', { alias: 'n', type: 'number', default: 100, describe: 'how many of the last lines' })
          .option('level', { type: 'string', choices: ['debug', 'info', 'warn', 'error'], describe: 'only this level' })
          .option('actor', { type: 'string', describe: 'only this actor: `rule:hot`, or all of a kind: `rule`' }),
      async ({ socket, json, follow, lines, level, actor }) => {
        const query = new URLSearchParams({
          lines: String(lines),
          ...(follow ? { follow: '' } : {}),
          ...(level ? { level } : {}),
          ...(actor ? { actor } : {}),
        });
        const stream = await open(socket, 'GET', `/v1/logs?${query}`);
        stream.on('error', () => process.exit(EXIT.unreachable)); // the node has stopped
        for await (const line of createInterface({ input: stream })) print(json ? line : lineText(line));
      },
    );

async function start(socket: string, config: string, dataDir: string, environment: string | undefined): Promise<void> {
  const { ConfigError, startNode } = await import('../../supervisors/node.ts'); // the other words never load the node
  const node = await startNode({
    readSources: () => readSources(config),
    environment,
    env: process.env,
    dataDir,
    socket,
    argosVersion: packageJson.version,
  }).catch((error: unknown) => {
    if (error instanceof ConfigError) throw new CommandError(`${error.message}\n${faultsText(error.faults)}`, EXIT.configInvalid);
    throw error;
  });
  process.on('SIGTERM', node.stop);
  process.on('SIGINT', node.stop);
  process.on('SIGHUP', () => {
    ask(socket, 'POST', '/v1/reload').catch((error: unknown) => say(error instanceof CommandError ? errorText(error.message, error.answer) : String(error)));
  });
  const reason = await node.ended;
  if (reason !== 'shutdown') throw new CommandError(`the node has ended: ${reason instanceof Error ? reason.message : JSON.stringify(reason)}`, EXIT.failed);
}

/** Wait until nobody answers on the socket any more. */
async function gone(socket: string): Promise<void> {
  for (;;) {
    try {
      await ask(socket, 'GET', '/v1/ready');
    } catch (error) {
      if (error instanceof CommandError && error.exitCode === EXIT.unreachable) return;
    }
    await new Promise((wait) => setTimeout(wait, 50));
  }
}

function statusText(status: Status): string {
  const { name, health, pid, argos, node, version, environment, startedAt, resources, items, executions, quarantine, faults } = status;
  const uptime = duration(Date.now() - Date.parse(startedAt));
  const dot = paint(health === 'ok' ? 'green' : 'red', '●');
  return [
    `${dot} ${name}  ${health === 'ok' ? 'healthy' : 'degraded'}  up ${uptime}  pid ${pid}  argos ${argos}  node ${node}`,
    `  Config      version ${version}, environment ${environment || '-'}: ${resources.monitor} monitors, ${resources.rule} rules, ${resources.action} actions`,
    `  Listeners   ${status.listeners.map((one) => `${one.name} ${one.address} (${one.connections})`).join('  ') || 'none'}`,
    `  Items       received ${items.received}, stored ${items.stored}, rejected ${items.rejected}, shed ${items.shed}`,
    `  Firing      ${status.firing.join(', ') || 'nothing'}`,
    `  Executions  ${executions ? `${executions.open} open, ${executions.failed} failed for good` : 'unknown'}`,
    `  Store       ${status.store ? storeText(status.store) : 'unknown'}`,
    `  Processes   ${status.processes}, ${status.restarts} restarts, ${Math.round(status.memoryBytes / 1_048_576)} MB`,
    ...quarantine.map(
      ({ resource, reason, nextProbe, probes }) => `  ${paintStatus('quarantined')} ${resource}: ${reason}; tried ${probes} times since, next at ${nextProbe}`,
    ),
    ...faults.filter((fault) => !fault.includes('is quarantined')).map((fault) => `  ! ${fault}`),
  ].join('\n');
}

function storeText({ sizeBytes, maxBytes, growthBytesPerDay, oldestSampleMs, commitMs }: StoreStatus): string {
  const facts = [
    `${bytes(sizeBytes)}${maxBytes === null ? '' : ` of ${bytes(maxBytes)}`}`,
    growthBytesPerDay === null ? '' : `${growthBytesPerDay < 0 ? '' : '+'}${bytes(growthBytesPerDay)} a day`,
    oldestSampleMs === null ? '' : `since ${new Date(oldestSampleMs).toISOString()}`,
    commitMs ? `commits ${commitMs.p50.toFixed(1)} ms, p99 ${commitMs.p99.toFixed(1)} ms` : '',
  ];
  return facts.filter(Boolean).join(', ');
}

function lineText(text: string): string {
  const { time, level, actor, message, ...details } = JSON.parse(text) as Record<string, unknown>;
  const style = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim';
  const rest = Object.entries(details).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${String(time)} ${paint(style, String(level).padEnd(5))} ${String(actor)}: ${String(message)} ${paint('dim', rest.join(' '))}`.trimEnd();
}
