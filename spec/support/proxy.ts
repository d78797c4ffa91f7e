/** A TCP proxy before a server: a spec cuts the network with it, silences it, or drops one message of it. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Way = 'there' | 'back';

export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #abandoned = new Set<Socket>();
  #isCut = false;
  #isSilent = false;
  /** Told of each piece that goes through, before it does. What it answers is done: the piece passes, or the network is cut before or after it, or for the client alone. */
  onPiece: (piece: Buffer, way: Way) => 'pass' | 'cut before' | 'cut after' | 'abandon' = () => 'pass';

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param target the port on 127.0.0.1 that it stands before. */
  static async before(target: number): Promise<TcpProxy> {
    const server = createServer((near) => proxy.#join(near, target));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const proxy = new TcpProxy(server, typeof address === 'object' && address ? address.port : 0);
    return proxy;
  }

  /** All connections end, and new ones do so at once. */
  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }
  /** All goes on as it was; what was held back is lost with its connections. */
  /** The client's ends of the connections go, and the server does not hear of it. */
  abandon(): void {
    for (const [near, far] of this.#pairs) {
      this.#abandoned.add(far);
      near.destroy();
    }
  }
  restore(): void {
    this.#isCut = this.#isSilent = false;
  }
  /** Connections stay and nothing comes through them any more, as when a cable is pulled. */
  silence(): void {
    this.#isSilent = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }
  close(): void {
    this.cut();
    for (const far of this.#abandoned) far.destroy();
    this.#server.close();
  }
  get connections(): number {
    return this.#pairs.size;
  }

  #join(near: Socket, target: number): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    this.#pass(near, far, 'there');
    this.#pass(far, near, 'back');
    if (this.#isSilent) for (const socket of pair) socket.pause();
  }

  #pass(from: Socket, to: Socket, way: Way): void {
    from.on('data', (piece: Buffer) => {
      const done = this.onPiece(piece, way);
      if (done === 'cut before') return this.cut();
      if (done === 'abandon') return this.abandon();
      to.write(piece, () => done === 'cut after' && this.cut());
    });
    from.on('error', () => {});
    from.on('close', () => {
      if (!this.#abandoned.has(to)) to.destroy();
      for (const pair of this.#pairs) if (pair.includes(from)) this.#pairs.delete(pair);
    });
  }
}
