/** A server that takes every connection and never says a word. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface Silent {
  readonly port: number;
  /** With all connections: one that nobody reads stays half closed, whatever its client does. */
  close(): void;
}

export async function startSilent(): Promise<Silent> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  return {
    port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
