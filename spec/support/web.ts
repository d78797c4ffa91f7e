/** A real HTTP server that keeps every request, and answers as it is told. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface WebServer {
  readonly port: number;
  readonly url: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

export function startWebServer(answer: (seen: Seen) => Answer | Promise<Answer> = () => ({ status: 200 })): Promise<WebServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      void Promise.resolve(answer(one)).then(({ status, headers = {}, body: text = '' }) => response.writeHead(status, headers).end(text));
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const close = (): Promise<void> =>
        new Promise((closed) => {
          server.close(() => closed());
          server.closeAllConnections();
        });
      resolve({ port, url: `http://127.0.0.1:${port}`, seen, close });
    });
  });
}
