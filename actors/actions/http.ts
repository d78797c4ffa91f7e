/** Action type `http`: sends a request. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got, { type Method, RequestError } from 'got';
import { type Static, Type } from 'typebox';
import type { Fields } from '../event.ts';
import type { ErrorClass, Job, Outcome } from '../job.ts';
import { type Fault, oneOf } from '../schema.ts';
import type { ActionType } from './action.ts';
import { contextOf, headerLine, json, plain, render, TemplateError, templateFault, urlComponent } from './template.ts';

const schema = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'Where to send it. References are filled in as URL components; the host cannot be one.' }),
    method: oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], { default: 'POST', description: 'The request method.' }),
    headers: Type.Record(Type.String(), Type.String(), { default: {}, description: 'Header lines; the values are templates.' }),
    body_template: Type.Optional(
      Type.String({ description: 'The body. When it is JSON it stays well formed whatever the data holds. Left out: the alert as JSON.' }),
    ),
    timeout: Type.Integer({ minimum: 1, maximum: 600_000, default: 10_000, description: 'Milliseconds that the receiver may take to answer.' }),
    verify_ssl: Type.Boolean({ default: true, description: "Whether the receiver's certificate is checked." }),
    follow_redirect: Type.Boolean({ default: false, description: 'Whether a redirect to the same host is followed.' }),
  },
  { additionalProperties: false, description: 'Send an HTTP request.' },
);

/** `.` and `..`: no escape keeps a URL from resolving them. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** An answer is read up to here, and thrown away. */
const MOST_ANSWER = 65_536;

export const http: ActionType<typeof schema> = {
  type: 'http',
  schema,
  timeoutMs: ({ timeout }) => timeout,
  check({ url, headers, body_template = '' }) {
    const faults: Fault[] = [];
    const host = /^https?:\/\/[^/?#]*/i.exec(url)?.[0];
    if (!host || host.includes('${')) faults.push({ path: '/url', expected: 'an http or https URL with a host that is written out', got: url });
    const texts: [string, string][] = [
      ['/url', url],
      ['/body_template', body_template],
      ...Object.entries(headers).map(([key, text]): [string, string] => [`/headers/${key}`, text]),
    ];
    for (const [path, text] of texts) {
      const fault = templateFault(text);
      if (fault) faults.push({ path, ...fault });
    }
    return faults;
  },
  destination: ({ url }) => new URL(url.replaceAll(/\$\{[^}]*\}/g, 'x')).origin,
  shown: requestOf,
  prepare(config, { signal: stopped }) {
    const { verify_ssl, follow_redirect } = config;
    const agent = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
    stopped.addEventListener('abort', () => {
      agent.http.destroy();
      agent.https.destroy();
    });
    const client = got.extend({
      agent,
      retry: { limit: 0 }, // the outbox tries again
      throwHttpErrors: false,
      followRedirect: follow_redirect && staysOnHost,
      https: { rejectUnauthorized: verify_ssl },
      decompress: false,
    });
    return async (job, signal): Promise<Outcome> => {
      const { url, method, headers, body } = requestOf(config, job);
      const request = client.stream(url, { method: method as Method, headers: { ...headers }, ...(body === undefined ? {} : { body }), signal });
      return answerOf(request);
    };
  },
};

interface Sent extends Fields {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}
function requestOf({ url, method, headers, body_template }: Static<typeof schema>, job: Job): Sent {
  const context = contextOf(job);
  const lines = Object.fromEntries(Object.entries(headers).map(([key, text]) => [key.toLowerCase(), headerLine(text, context)]));
  const body =
    body_template === undefined
      ? JSON.stringify({ id: job.id, ...job.alert, ...(job.alerts ? { alerts: job.alerts } : {}) })
      : render(body_template, context, isJson(body_template, lines['content-type']) ? json : plain);
  const sends = method !== 'GET';
  const target = render(url, context, urlComponent);
  if (DOT_SEGMENT.test(target.replace(/[?#].*$/s, ''))) throw new TemplateError(`the data leads out of the path: ${target}`);
  return {
    url: target,
    method,
    headers: { ...(sends ? { 'content-type': 'application/json' } : {}), ...lines, 'idempotency-key': job.id },
    ...(sends ? { body } : {}),
  };
}

function answerOf(request: ReturnType<typeof got.stream>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let length = 0;
    request.once('response', (response: { statusCode: number; headers: Record<string, unknown> }) => {
      const done = (): void => resolve(outcome(response.statusCode, response.headers['retry-after'], Date.now()));
      request.on('end', done);
      request.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MOST_ANSWER) {
          done();
          request.destroy();
        }
      });
    });
    request.once('error', (error: unknown) => reject(error instanceof RequestError && error.code ? new Error(`${error.code}: ${error.message}`) : error));
  });
}

/** A redirect to another host goes where nobody wrote that it should. */
const staysOnHost = ({ url, headers }: { readonly url: string; readonly headers: { readonly location?: string | undefined } }): boolean =>
  URL.canParse(headers.location ?? '', url) && new URL(headers.location ?? '', url).hostname === new URL(url).hostname;

const isJson = (template: string, contentType = 'application/json'): boolean => /\bjson\b/i.test(contentType) && /^\s*[[{"]/.test(template);

/** RFC 9110 §5.6.7. Date.parse by itself takes almost anything that holds a number. */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, .+ GMT$/;

/**
 * What an answer means for the execution: 2xx is delivered; 408, 425, 429 and 5xx may pass, no sooner than `Retry-After` asks (RFC 9110
 * §10.2.3, seconds or a date); any other status will be the same tomorrow.
 */
export function outcome(status: number, retryAfter: unknown, nowMs: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', detail: `status ${status}` };
  const reason = `receiver answered ${status}`;
  if (status !== 408 && status !== 425 && status !== 429 && status < 500)
    return { kind: 'discard', reason, class: status === 401 || status === 403 || status === 407 ? 'auth' : 'client' };
  const what: ErrorClass = status === 429 ? 'rate' : status === 408 ? 'timeout' : 'server';
  const text = typeof retryAfter === 'string' ? retryAfter.trim() : '';
  const afterMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : HTTP_DATE.test(text) ? Date.parse(text) - nowMs : Number.NaN;
  return { kind: 'retry', reason, class: what, ...(Number.isFinite(afterMs) ? { afterMs: Math.max(0, afterMs) } : {}) };
}
