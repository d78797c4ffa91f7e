/** `make run`: a node on config/demo.jsonc, and beside it the devices of a small greenhouse, simulated. Ctrl-C ends both. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'mqtt';
import { WebSocketServer } from 'ws';

const ROOT = join(import.meta.dirname, '..');
const DEVICES = 13_080;
const BROKER = 'mqtt://127.0.0.1:11883';
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** The pump's controller, which is slow now and then; the window's motor, which takes orders; the door. */
function devices(): void {
  let slow = false;
  const server = createServer((request, response) => {
    if (request.url === '/window') {
      request.resume().on('end', () => {
        say('  window   opening, as the rule has asked');
        response.writeHead(204).end();
      });
      return;
    }
    const answer = (): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'ok', litres: Math.round(Math.random() * 100) }));
    if (slow) setTimeout(answer, 600);
    else answer();
  });
  setInterval(() => {
    slow = !slow;
  }, 15_000);
  const doors = new WebSocketServer({ server, path: '/door' });
  doors.on('connection', (socket) => {
    const tell = (): void => socket.send(JSON.stringify({ open: false, battery: 0.9 }));
    const ticker = setInterval(tell, 2_000);
    socket.on('close', () => clearInterval(ticker));
    tell();
  });
  server.on('error', (error) => {
    say(`the simulated devices need port ${DEVICES}: ${error.message}`);
    process.exit(1);
  });
  server.listen(DEVICES, '127.0.0.1');
}

/** Temperatures that swing over the limit and back in some twenty seconds, and the soil's moisture. */
function sensors(): void {
  const client = connect(BROKER, { reconnectPeriod: 500 });
  client.on('error', () => {}); // until the node is up; it connects again by itself
  setInterval(() => {
    if (!client.connected) return;
    const celsius = Math.round((26 + 8 * Math.sin(Date.now() / 3_000)) * 10) / 10;
    client.publish('argus/metrics/greenhouse/temperature', JSON.stringify({ value: celsius, tags: { bed: 'tomatoes' } }), { qos: 1 });
    client.publish('sensors/soil/1', JSON.stringify({ moisture: Math.round(40 + Math.random() * 20) }), { qos: 1 });
  }, 500);
}

/** Show what the node writes to its log, as a person reads it. */
function node(): void {
  const args = ['start', '--config', join(ROOT, 'config', 'demo.jsonc'), '--data-dir', join(ROOT, 'data', 'demo')];
  const child = spawn(join(ROOT, 'bin', 'argos'), args, { stdio: ['ignore', 'inherit', 'pipe'] });
  createInterface({ input: child.stderr }).on('line', (line) => say(`  ${readable(line)}`));
  child.on('exit', (code) => process.exit(code ?? 1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGTERM'));
}

function readable(line: string): string {
  try {
    const { actor, level, message, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const detail = ['details', 'address', 'reason', 'error', 'execution'].flatMap((key) => (rest[key] === undefined ? [] : [String(rest[key])]));
    return `${String(actor).padEnd(18)} ${String(level).padEnd(5)} ${String(message)}${detail.length > 0 ? `  (${detail[0]})` : ''}`;
  } catch {
    return line; // a crash before the log was open
  }
}

devices();
sensors();
say('Argos is starting on config/demo.jsonc, with the devices of a small greenhouse simulated.\n');
node();
await sleep(6_000);
say(`
Within twenty seconds the air grows too hot, rule "hot" fires, and the window is told to open. Meanwhile, in another terminal:

  bin/argos status                 health in one screen
  bin/argos tree                   the live supervision tree
  bin/argos describe rule hot      why it fires or does not

Where to look: health http://127.0.0.1:13001/health/ready · metrics http://127.0.0.1:13001/metrics · send your own:
  curl -XPOST http://127.0.0.1:13001/api/metrics -H 'content-type: application/json' -d '{"service": "greenhouse", "name": "temperature", "value": 41}'
Ctrl-C stops it.
`);
