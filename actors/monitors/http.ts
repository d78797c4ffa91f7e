/** Monitor type `http`: asks a URL at an interval and keeps the answer. */
import got, { type Method, RequestError } from 'got';
import { type Static, Type } from 'typebox';
import type { Fields } from '../event.ts';
import { payloadOf } from '../payload.ts';
import { oneOf } from '../schema.ts';
import { type MonitorType, WatchLost } from './monitor.ts';
import { poll } from './poll.ts';

const schema = Type.Object(
  {
    url: Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string', pattern: '^https?://' },
      pattern: '^https?://',
      minItems: 1,
      description: 'What to ask; of a list the first that answers.',
    }),
    method: oneOf(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], { default: 'GET', description: 'The request method.' }),
    headers: Type.Record(Type.String(), Type.String(), { default: {}, description: 'Header lines of the request.' }),
    interval: Type.Integer({
      minimum: 10,
      maximum: 86_400_000,
      default: 10_000,
      description: 'Milliseconds between the end of one look and the start of the next.',
    }),
    timeout: Type.Integer({ minimum: 1, maximum: 600_000, default: 3_000, description: 'Milliseconds that an answer may take.' }),
    follow_redirect: Type.Boolean({ default: true, description: 'Whether redirects are followed.' }),
    verify_ssl: Type.Boolean({ default: true, description: "Whether the target's certificate is checked." }),
    request_body: Type.Unknown({ default: null, description: 'What to send: a text, or a value that is sent as JSON; null sends nothing.' }),
  },
  { additionalProperties: false, description: 'An HTTP endpoint to be asked at an interval.' },
);
type HttpConfig = Static<typeof schema>;

/** No more of an answer is read. */
const MOST_BODY = 1_048_576;

export const http: MonitorType<typeof schema> = {
  type: 'http',
  schema,
  fields: ['status_code', 'response_time', 'headers', 'body', 'up', 'error'],
  bulkField: 'url',
  watch: poll(probe),
};

/**
 * Look once: `up` is true when an answer below 500 came in time.
 * @throws WatchLost when no answer came from any of the URLs.
 */
export async function probe(config: HttpConfig, signal: AbortSignal): Promise<Fields> {
  let failure = new WatchLost('no URL');
  for (const url of [config.url].flat()) {
    try {
      return await ask(url, config, signal);
    } catch (error) {
      signal.throwIfAborted(); // we were stopped: that says nothing about the target
      failure = new WatchLost(error instanceof RequestError ? `${error.code}: ${error.message}` : error instanceof Error ? error.message : String(error), {
        status_code: null,
        response_time: null,
      });
    }
  }
  throw failure;
}

async function ask(url: string, { method, headers, timeout, follow_redirect, verify_ssl, request_body }: HttpConfig, signal: AbortSignal): Promise<Fields> {
  const tooLong = new AbortController();
  const began = performance.now();
  const request = got(url, {
    method: method as Method,
    headers: { ...(typeof request_body === 'object' && request_body !== null ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(request_body === null ? {} : { body: typeof request_body === 'string' ? request_body : JSON.stringify(request_body) }),
    timeout: { request: timeout },
    retry: { limit: 0 }, // the monitor's own retry policy decides
    followRedirect: follow_redirect,
    https: { rejectUnauthorized: verify_ssl },
    throwHttpErrors: false,
    responseType: 'buffer',
    signal: AbortSignal.any([signal, tooLong.signal]),
  });
  void request.on('downloadProgress', ({ transferred }) => {
    if (transferred > MOST_BODY) tooLong.abort(new Error(`the answer is longer than ${MOST_BODY} bytes`));
  });
  const {
    statusCode,
    headers: answered,
    rawBody,
  } = await request.catch((error: unknown) => {
    tooLong.signal.throwIfAborted();
    throw error;
  });
  return {
    status_code: statusCode,
    response_time: Math.round((performance.now() - began) * 1_000) / 1_000,
    headers: answered,
    body: payloadOf(rawBody),
    up: statusCode < 500,
  };
}
