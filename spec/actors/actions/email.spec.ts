// Action type email against a real SMTP server (npm smtp-server): who gets what, and what the server's answer means.
import { once } from 'node:events';
import type { Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { email } from '../../../actors/actions/email.ts';
import { check } from '../../../actors/schema.ts';
import { prepare } from '../../support/action-kit.ts';
import { configOf, jobOf, Root } from '../../support/actors.ts';
import { eventually } from '../../support/eventually.ts';

interface Received {
  readonly mail: ParsedMail;
  readonly raw: string;
  readonly from: string;
  readonly to: readonly string[];
}
const refusal = (responseCode: number): Error => Object.assign(new Error(`no ${responseCode}`), { responseCode });

describe('action type email', () => {
  let root: Root;
  let servers: SMTPServer[];
  const job = (data: unknown, id = 'id') => jobOf({ id, alert: { details: `it is ${String(data)}`, monitors: { boiler: { data } }, event: { data } } });

  /** A server that takes every mail, but for what `more` says. */
  async function serve(more: SMTPServerOptions = {}, host = '127.0.0.1', at = 0): Promise<{ readonly port: number; readonly received: Received[] }> {
    const received: Received[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, { envelope }, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const raw = Buffer.concat(chunks).toString();
          void simpleParser(raw).then((mail) => {
            const { mailFrom, rcptTo } = envelope;
            received.push({ mail, raw, from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) });
            done();
          });
        });
      },
      ...more,
    });
    server.on('error', () => {}); // a client that leaves is no fault here
    servers.push(server);
    const listening: Server = server.listen(at, host);
    await once(listening, 'listening');
    return { port: (listening.address() as AddressInfo).port, received };
  }
  const config = (port: number, more: object = {}): object => ({
    smtp_server: '127.0.0.1',
    smtp_port: port,
    from: 'argos@example.com',
    to: 'ops@example.com',
    ...more,
  });

  beforeEach(() => {
    root = new Root();
    servers = [];
  });
  afterEach(async () => {
    await root.end();
    for (const server of servers) await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('sends subject and body to every recipient, and shows the hidden ones to nobody', async () => {
    const { port, received } = await serve();
    const lists = { to: ['a@example.com', 'b@example.com'], cc: 'c@example.com', bcc: ['d@example.com'] };
    const { deliver } = await prepare(
      root,
      email,
      config(port, { ...lists, subject: '${rule.name} is ${rule.state} ✓', body: 'It is ${monitor.data.data} °C' }),
    );
    expect((await deliver(job(91))).kind).to.equal('delivered');
    const [one] = received;
    expect(one).to.deep.include({ from: 'argos@example.com', to: ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com'] });
    expect([one?.mail.subject, one?.mail.text?.trim(), one?.mail.html]).to.deep.equal(['too_hot is firing ✓', 'It is 91 °C', false]);
    expect(one?.mail.date?.getTime()).to.equal(2_000);
    expect(one?.raw).to.include('c@example.com').and.not.include('d@example.com');
  });

  it('escapes data for the HTML of the body', async () => {
    const { port, received } = await serve();
    const { deliver } = await prepare(root, email, config(port, { is_html: true, body: '<p title="${monitor.data.data}">${monitor.data.data}</p>' }));
    const evil = '"><script>alert(1)</script>&\'';
    await deliver(job(evil));
    expect(received[0]?.mail.html).to.not.include('<script').and.not.include('"">');
    expect(received[0]?.mail.text).to.include(evil); // as a reader of the HTML sees it
  });

  it('lets nothing in the data add a recipient, a header or a part', async () => {
    const { port, received } = await serve();
    const { deliver } = await prepare(
      root,
      email,
      config(port, { subject: '<${monitor.data.data}>', body: '${monitor.data.data}', attachments: [{ filename: 'a.txt', content: '${monitor.data.data}' }] }),
    );
    const nasty = [
      'a\r\nBcc: evil@example.com\r\nX-Evil: 1\r\n\r\nbody',
      'a, evil@example.com',
      'a\nb\rc\0d',
      '.\r\n.\r\nRCPT TO:<evil@example.com>\r\n',
      '=?utf-8?Q?=0D=0ABcc:_evil@example.com?=',
      '\u2028Bcc: evil@example.com',
    ];
    for (const data of nasty) {
      expect((await deliver(job(data))).kind).to.equal('delivered');
      const { mail, to } = received.at(-1) as Received;
      expect(to).to.deep.equal(['ops@example.com']);
      expect([...mail.headers.keys()]).to.have.members(['from', 'to', 'subject', 'message-id', 'date', 'mime-version', 'content-type']);
      expect(mail.subject).to.match(/^<.*>$/s);
      expect(mail.attachments.map(({ filename, content }) => [filename, content.toString().replace(/\r?\n|\r/g, '\n')])).to.deep.equal([
        ['a.txt', data.replace(/\r?\n|\r/g, '\n')],
      ]);
    }
    expect(received).to.have.length(nasty.length);
  });

  it('bears one Message-ID over all attempts of an execution, and another for another one', async () => {
    const { port, received } = await serve();
    const { deliver } = await prepare(root, email, config(port));
    for (const id of ['one', 'one', 'other']) await deliver(job(1, id));
    const [first, again, other] = received.map(({ mail }) => mail.messageId);
    expect(first).to.match(/^<[0-9a-f]{32}@argos>$/);
    expect(again).to.equal(first);
    expect(other).to.not.equal(first);
  });

  it('tries again after a 4xx and discards after a 5xx, wherever in the dialogue it comes', async () => {
    for (const [code, kind] of [
      [451, 'retry'],
      [421, 'retry'],
      [550, 'discard'],
      [554, 'discard'],
    ] as const) {
      const stages: SMTPServerOptions[] = [
        { onMailFrom: (_address, _session, done) => done(refusal(code)) },
        { onRcptTo: (_address, _session, done) => done(refusal(code)) },
        { onData: (stream, _session, done) => void stream.resume().on('end', () => done(refusal(code))) },
      ];
      for (const stage of stages) {
        const { port } = await serve(stage);
        const { deliver } = await prepare(root, email, config(port));
        expect(await deliver(job(1)), `${code} ${Object.keys(stage)[0]}`).to.include({ kind });
      }
    }
  });

  it('tries the next server of a list when one is not there or cannot now, and not when it refuses', async () => {
    let answers = 0;
    const first = await serve({ onMailFrom: (_address, _session, done) => done(refusal(answers++ === 0 ? 451 : 550)) }, '127.0.0.2');
    const second = await serve({}, '127.0.0.3', first.port);
    const { deliver } = await prepare(root, email, config(first.port, { smtp_server: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] }));
    expect((await deliver(job(1))).kind).to.equal('delivered'); // nobody at the first, 451 from the second
    expect((await deliver(job(2))).kind).to.equal('discard');
    expect([answers, second.received.length]).to.deep.equal([2, 1]);
  });

  it('logs in when it has a name', async () => {
    const { port, received } = await serve({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) => (username === 'u' && password === 'p' ? done(null, { user: 'u' }) : done(new Error('no'))),
    });
    const { deliver } = await prepare(root, email, config(port, { smtp_username: 'u', smtp_password: 'p' }));
    expect((await deliver(job(1))).kind).to.equal('delivered');
    expect(received).to.have.length(1);
  });

  it('gives up an attempt that takes too long, and sends nothing of it later', async () => {
    const greet: (() => void)[] = [];
    const mute = await serve({ onConnect: (_session, done) => void greet.push(done) });
    const slow = await serve({
      onMailFrom: (_address, _session, done) => setTimeout(done, 250),
      onRcptTo: (_address, _session, done) => setTimeout(done, 250),
    });
    for (const { port, received } of [mute, slow]) {
      const { deliver } = await prepare(root, email, config(port, { timeout: 400 }));
      const attempts = await Promise.all([1, 2, 3, 4, 5, 6].map(() => deliver(job(1)))); // more than there are connections
      for (const attempt of attempts) expect(attempt).to.include({ kind: 'retry' });
      for (const done of greet.splice(0)) done();
      await eventually(() => expect(servers.map(({ connections }) => connections.size)).to.deep.equal([0, 0]));
      expect(received).to.deep.equal([]);
    }
  });

  it('leaves time for the next server of a list when one takes the connection and says nothing', async () => {
    const mute = await serve({ onConnect: () => {} }, '127.0.0.2');
    const second = await serve({}, '127.0.0.3', mute.port);
    const { deliver } = await prepare(root, email, config(mute.port, { smtp_server: ['127.0.0.2', '127.0.0.3'], timeout: 400 }));
    expect((await deliver(job(1))).kind).to.equal('delivered');
    expect(second.received).to.have.length(1);
  });

  it('speaks TLS where the server can, and trusts no certificate that nobody vouches for unless it is told to', async () => {
    const secure: boolean[] = [];
    const { port } = await serve({
      disabledCommands: [],
      onMailFrom: (_address, session, done) => {
        secure.push(session.secure);
        done();
      },
    });
    expect((await (await prepare(root, email, config(port))).deliver(job(1))).kind).to.equal('retry');
    expect((await (await prepare(root, email, config(port, { verify_ssl: false }))).deliver(job(1))).kind).to.equal('delivered');
    expect(secure).to.deep.equal([true]);
  });

  it('tries again when nobody is there, and when the server hangs up', async () => {
    const { port } = await serve({ onConnect: (_session, done) => done(refusal(421)) });
    const { deliver } = await prepare(root, email, config(port));
    expect((await deliver(job(1))).kind).to.equal('retry');
    expect((await (await prepare(root, email, config(port, { smtp_server: '127.0.0.9' }))).deliver(job(1))).kind).to.equal('retry');
  });

  it('closes its connections when it stops', async () => {
    const { port } = await serve();
    const { pid, deliver } = await prepare(root, email, config(port));
    await deliver(job(1));
    await root.stop(pid);
    await eventually(() => expect(servers[0]?.connections.size).to.equal(0));
  });

  it('refuses what is no single address, a reference that leads nowhere, and an unknown key', () => {
    const faults = (more: object) => email.check?.(configOf(email.schema, config(25, more)))?.map(({ path }) => path);
    for (const to of ['a@b.c, d@e.f', 'a@b.c\r\nBcc: d@e.f', 'A <a@b.c>', 'a', '', '${monitor.data.to}', ['a@b.c', 'x y@z']])
      expect(faults({ to }), String(to)).to.deep.equal(['/to']);
    expect(faults({ to: [] })).to.deep.equal(['/to']);
    expect(faults({ from: 'x', cc: 'y', bcc: ['z'], subject: '${rul.name}', body: '${rule.nam}' })).to.deep.equal([
      '/cc',
      '/bcc',
      '/from',
      '/subject',
      '/body',
    ]);
    expect(check(email.schema, config(25, { subjekt: 'x' })).faults[0]).to.include({ path: '/subjekt', nearest: 'subject' });
  });
});
