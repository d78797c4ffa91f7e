/** The bare library beside the node: aedes alone, which parses every payload and keeps nothing. A child process of bench/corridor.ts. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

let count = 0;
const broker = new Aedes({
  authorizePublish: (_client, packet, done) => {
    JSON.parse(packet.payload.toString());
    count++;
    done();
  },
});
await broker.listen();
const server = createServer((socket) => broker.handle(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 });
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ count, cpuSeconds: (user + system) / 1e6 });
});
