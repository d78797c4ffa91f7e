// A whole greenhouse: real devices on every side of a real node, and real receivers of what it does.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import pg from 'pg';
import { WebSocketServer } from 'ws';
import { eventually } from '../support/eventually.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { TestNode } from '../support/node.ts';
import { mosquitto, postgres } from '../support/services.ts';
import { startWebServer, type WebServer } from '../support/web.ts';

const COOLDOWN_SECONDS = 3;

describe('a greenhouse', function () {
  this.timeout(60_000);
  const node = new TestNode();
  let mail: MailServer;
  let device: WebServer;
  let hook: WebServer;
  let doors: WebSocketServer;
  let db: pg.Client;
  let outside: number;
  let own: number;
  let pump = { status: 'ok' };

  /** The real client, as a device would be. */
  const publish = (port: number, topic: string, payload: unknown): void =>
    void execFileSync('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), '-q', '1', '-t', topic, '-m', JSON.stringify(payload)]);

  before(async () => {
    mail = await startMailServer();
    device = await startWebServer(() => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(pump) }));
    hook = await startWebServer();
    doors = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(doors, 'listening');
    doors.on('connection', (socket) => socket.send(JSON.stringify({ open: true, who: '<b>"Eve"</b>' })));
    const doorsAt = doors.address();
    const pgAt = await postgres();
    db = new pg.Client(pgAt.url);
    await db.connect();
    await db.query('CREATE TABLE greenhouse_events (event text, timestamp timestamptz, payload jsonb)');
    outside = (await mosquitto()).port;
    const retry_policy = { max_retries: 5, backoff_strategy: 'fixed', retry_timeout: 200 };
    node.configure({
      system: { name: 'greenhouse' },
      parameters: { admin: 'admin@example.com', cc: ['ops@example.com', 'dev@example.com'] },
      listeners: { http: { port: 0 }, mqtt: { port: 0 } },
      monitors: {
        single: [
          { name: 'http_monitor_1', type: 'http', config: { url: `${device.url}/data`, interval: 100 }, retry_policy },
          {
            name: 'mqtt_monitor_1',
            type: 'mqtt',
            config: { broker_url: `mqtt://127.0.0.1:${outside}`, topic: 'sensors/temperature', qos: 1, client_id: 'argos_mqtt_1' },
            retry_policy,
          },
          {
            name: 'websocket_monitor_1',
            type: 'websocket',
            config: { url: `ws://127.0.0.1:${typeof doorsAt === 'object' && doorsAt ? doorsAt.port : 0}` },
            retry_policy,
          },
          { name: 'air', type: 'push', config: { kind: 'metric', service: 'greenhouse', name: 'temp*' } },
        ],
      },
      actions: {
        single: [
          {
            name: 'send_email_alert',
            type: 'email',
            config: {
              to: '${parameters.admin}',
              cc: '${parameters.cc}',
              bcc: [],
              subject: 'Alert: Condition triggered',
              body: '<b>Alert details:</b> ${rule.details} ${monitors.websocket_monitor_1.payload.who}',
              is_html: true,
              smtp_server: '127.0.0.1',
              smtp_port: mail.port,
              smtp_username: 'smtp_user',
              smtp_password: 'smtp_pass',
              from: 'argos@example.com',
            },
            retry_policy,
          },
          {
            name: 'http_callback',
            type: 'http',
            config: {
              url: hook.url,
              headers: { 'Content-Type': 'application/json' },
              body_template: '{"event": "${rule.name}", "data": ${monitor.data}}',
              timeout: 2000,
            },
            retry_policy,
          },
          {
            name: 'db_write',
            type: 'database',
            config: {
              db_type: 'postgres',
              host: '127.0.0.1',
              port: pgAt.port,
              database: pgAt.database,
              username: pgAt.user,
              table: 'greenhouse_events',
              insert_template: { event: '${rule.name}', timestamp: '${system.timestamp}', payload: '${monitor.data}' },
            },
            retry_policy,
          },
        ],
      },
      rules: [
        {
          name: 'high_temp_or_slow_response',
          monitor: ['http_monitor_1', 'mqtt_monitor_1'],
          condition: {
            or: [
              {
                and: [
                  { field: 'mqtt_monitor_1.payload.temperature', op: '>', value: 80 },
                  { field: 'mqtt_monitor_1.payload.status', op: '==', value: 'ok' },
                  { field: 'websocket_monitor_1.payload.open', op: '==', value: true },
                ],
              },
              { and: [{ field: 'http_monitor_1.body.status', op: '==', value: 'error' }] },
            ],
          },
          actions: ['send_email_alert', 'http_callback', 'db_write'],
          cooldown: COOLDOWN_SECONDS,
        },
        { name: 'hot_air', condition: { field: 'air.value', op: '>', value: 35 }, actions: ['http_callback'] },
      ],
    });
    await node.start();
    own = await node.port('mqtt');
    await eventually(async () => {
      for (const name of ['http_monitor_1', 'mqtt_monitor_1', 'websocket_monitor_1'])
        expect((await node.json('get', 'monitor', name)).detail.phase).to.equal('up');
    });
  });

  after(async () => {
    await node.end('SIGKILL');
    await Promise.all([mail.close(), device.close(), hook.close(), db.end()]);
    for (const socket of doors.clients) socket.terminate();
    doors.close();
  });

  const heard = (rule: string): { event: string; data: Record<string, unknown> }[] =>
    hook.seen.map(({ body }) => JSON.parse(body)).filter(({ event }) => event === rule);

  it('fires on a temperature from the outside broker; mail, webhook and row arrive as configured', async () => {
    publish(outside, 'sensors/temperature', { temperature: 91.5, status: 'ok', note: 'it\'s "hot"\n' });
    const [first] = await eventually(() => {
      expect(mail.received).to.have.length(1);
      return mail.received;
    });
    expect(first?.mail.subject).to.equal('Alert: Condition triggered');
    expect(first?.mail.html)
      .to.include('<b>Alert details:</b> mqtt_monitor_1.payload.temperature &#62; 80 (91.5)')
      .and.to.include('&#60;b&#62;&#34;Eve&#34;&#60;/b&#62;');
    expect(first?.recipients).to.have.members(['admin@example.com', 'ops@example.com', 'dev@example.com']);
    expect(JSON.stringify(first?.mail.cc)).to.include('ops@example.com').and.to.include('dev@example.com');
    const [call] = await eventually(() => {
      expect(heard('high_temp_or_slow_response')).to.have.length(1);
      return heard('high_temp_or_slow_response');
    });
    expect(call?.data).to.deep.include({ topic: 'sensors/temperature', payload: { temperature: 91.5, status: 'ok', note: 'it\'s "hot"\n' }, qos: 1 });
    const rows = await eventually(async () => {
      const found = await db.query('SELECT event, timestamp, payload FROM greenhouse_events');
      expect(found.rows).to.have.length(1);
      return found.rows;
    });
    expect(rows[0].event).to.equal('high_temp_or_slow_response');
    expect(rows[0].payload.payload.temperature).to.equal(91.5);
    expect(Math.abs(rows[0].timestamp.getTime() - Date.now())).to.be.below(30_000);
  });

  it('tells a new episode only when the cooldown is over, and once', async () => {
    const told = async (): Promise<number> => Date.parse((await node.json('describe', 'rule', 'high_temp_or_slow_response')).detail.lastTold);
    const first = await told();
    for (let i = 0; i < 5; i++) for (const temperature of [20, 95]) publish(outside, 'sensors/temperature', { temperature, status: 'ok' });
    await eventually(() => expect(heard('high_temp_or_slow_response')).to.have.length(2), 15_000);
    expect((await told()) - first).to.be.at.least(COOLDOWN_SECONDS * 1_000);
    publish(outside, 'sensors/temperature', { temperature: 96, status: 'ok' });
    await eventually(async () => expect((await node.json('get', 'monitor', 'mqtt_monitor_1')).detail.state.payload.temperature).to.equal(96));
    expect(heard('high_temp_or_slow_response')).to.have.length(2);
    await eventually(() => expect(mail.received).to.have.length(2));
  });

  it('fires on the device that is polled', async () => {
    publish(outside, 'sensors/temperature', { temperature: 20, status: 'ok' });
    pump = { status: 'error' };
    await eventually(() => expect(heard('high_temp_or_slow_response')).to.have.length(3), 15_000);
    expect(heard('high_temp_or_slow_response')[2]?.data).to.deep.include({ status_code: 200, body: { status: 'error' }, up: true });
    pump = { status: 'ok' };
  });

  it("fires on a temperature published to the node's own broker, and keeps it", async () => {
    publish(own, 'argus/metrics/greenhouse/temperature', { value: 41 });
    await eventually(() => expect(heard('hot_air')).to.have.length(1));
    expect(heard('hot_air')[0]?.data).to.deep.include({ service: 'greenhouse', name: 'temperature', value: 41 });
    const { items } = await node.status();
    expect(items).to.deep.include({ received: 1, stored: 1, rejected: 0, shed: 0 });
  });
});
