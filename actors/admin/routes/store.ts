/** The part of the admin API that looks after the store while the node runs: a backup, a check, an export. Long answers are streams. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiError } from '../../../proto/api.ts';
import type { ExportQuery, StoreCheck } from '../../../proto/store.ts';

/** Errors have a `code` of those below, or none. */
export interface StorePort {
  backup(telemetry: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array, unknown>;
  check(quick: boolean, signal: AbortSignal): Promise<StoreCheck>;
  export(query: ExportQuery, signal: AbortSignal): AsyncGenerator<Uint8Array, unknown>;
}
type Refuse = (reply: FastifyReply, code: ApiError['error']['code'], message: string) => FastifyReply;

const EXPORTS: readonly string[] = ['metrics', 'logs', 'traces', 'episodes'] satisfies ExportQuery['what'][];
const isExport = (what: string): what is ExportQuery['what'] => EXPORTS.includes(what);
const FORMATS: Readonly<Record<ExportQuery['format'], string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
};
const isFormat = (format: string): format is ExportQuery['format'] => Object.hasOwn(FORMATS, format);

export function storeRoutes(app: FastifyInstance, port: StorePort, refuse: Refuse): void {
  /** What was asked for, unless it fails before its first byte; later the connection is cut, since a file that only ends would look whole. */
  const stream = async (reply: FastifyReply, type: string, chunks: AsyncGenerator<Uint8Array, unknown>): Promise<FastifyReply> => {
    try {
      const first = await chunks.next();
      return reply.type(type).send(Readable.from(following(first, chunks), { objectMode: false }));
    } catch (error) {
      return failed(reply, error);
    }
  };
  const failed = (reply: FastifyReply, error: unknown): FastifyReply => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return refuse(
      reply,
      code === 'conflict' || code === 'not_found' || code === 'usage' ? code : 'failed',
      error instanceof Error ? error.message : String(error),
    );
  };

  app.get<{ Querystring: { telemetry?: string } }>('/v1/backup', (request, reply) =>
    stream(reply, 'application/gzip', port.backup(request.query.telemetry !== 'false', goneOf(request))),
  );
  app.get<{ Querystring: { quick?: string } }>('/v1/store/check', async (request, reply) => {
    try {
      return await port.check(request.query.quick === 'true', goneOf(request));
    } catch (error) {
      return failed(reply, error);
    }
  });
  app.get<{ Querystring: Readonly<Record<string, string | undefined>> }>('/v1/store/export', (request, reply) => {
    const { what = 'metrics', format = 'ndjson', service, name, from, to } = request.query;
    if (!isExport(what)) return refuse(reply, 'usage', `what: expected one of ${EXPORTS.join(', ')}, got ${what}`);
    if (!isFormat(format)) return refuse(reply, 'usage', `format: expected one of ${Object.keys(FORMATS).join(', ')}, got ${format}`);
    const query: ExportQuery = {
      what,
      format,
      service,
      name,
      fromMs: from === undefined ? undefined : Number(from),
      toMs: to === undefined ? undefined : Number(to),
    };
    return stream(reply, FORMATS[format], port.export(query, goneOf(request)));
  });
}

/** Fires when the client has gone before its answer was complete. */
function goneOf({ raw }: FastifyRequest): AbortSignal {
  const gone = new AbortController();
  raw.socket.once('close', () => gone.abort());
  return gone.signal;
}

async function* following(first: IteratorResult<Uint8Array, unknown>, rest: AsyncGenerator<Uint8Array, unknown>): AsyncGenerator<Uint8Array> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
