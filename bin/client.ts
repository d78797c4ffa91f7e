/** The command line's half of the admin API: HTTP over the control socket. It never imports the node's half. */
import { request } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ApiError } from '../proto/api.ts';

/** What a script can rely on (`argos help exit-codes`). */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, unauthorised: 4, notFound: 5, conflict: 6, degraded: 8, configInvalid: 78 } as const;

/** A command that ends with another code than 0, and what to tell the person who gave it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  readonly answer: ApiError | undefined;
  constructor(message: string, exitCode: number, answer?: ApiError) {
    super(message);
    this.exitCode = exitCode;
    this.answer = answer;
  }
}

const CODES: Readonly<Record<ApiError['error']['code'], number>> = {
  usage: EXIT.usage,
  not_found: EXIT.notFound,
  conflict: EXIT.conflict,
  config_invalid: EXIT.configInvalid,
  not_ready: EXIT.failed,
  failed: EXIT.failed,
};

export const defaultSocket = (): string =>
  process.env.ARGOS_SOCKET ??
  (process.env.XDG_RUNTIME_DIR ? join(process.env.XDG_RUNTIME_DIR, 'argos', 'argos.sock') : join(tmpdir(), `argos-${userInfo().uid}`, 'argos.sock'));

/** Open a request. Answers when the head of the reply is there. @throws CommandError for every answer but 2xx. */
export function open(socketPath: string, method: string, path: string, body?: unknown): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { 'content-type': 'application/json', 'x-argos-author': userInfo().username } }, (reply) => {
      if ((reply.statusCode ?? 500) < 300) {
        resolve(reply);
        return;
      }
      text(reply).then((answer) => reject(refusal(answer)), reject);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
          ? 'no node is running there'
          : error.code === 'EACCES'
            ? 'it belongs to somebody else'
            : error.message;
      reject(
        new CommandError(
          `no node can be reached on ${socketPath}: ${why}. Start one (argos start), or name its socket (--socket, ARGOS_SOCKET)`,
          error.code === 'EACCES' ? EXIT.unauthorised : EXIT.unreachable,
        ),
      );
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Ask and read the whole JSON reply. */
export async function ask<Reply>(socketPath: string, method: string, path: string, body?: unknown): Promise<Reply> {
  return JSON.parse(await text(await open(socketPath, method, path, body))) as Reply; // proto/api.ts is what both halves agree on
}

function refusal(answer: string): CommandError {
  try {
    const parsed = JSON.parse(answer) as ApiError;
    return new CommandError(parsed.error.message, CODES[parsed.error.code] ?? EXIT.failed, parsed);
  } catch {
    return new CommandError(`the node answered what is no answer: ${answer.slice(0, 200)}`, EXIT.failed);
  }
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}
