/** A real SMTP server (npm smtp-server) that keeps every mail, parsed (npm mailparser). */
import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface Received {
  readonly mail: ParsedMail;
  /** Who the envelope names. */
  readonly recipients: readonly string[];
}

export interface MailServer {
  readonly port: number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** @param refuse answers an SMTP code and text for a mail that is not taken, or undefined. */
export function startMailServer(refuse: () => { code: number; text: string } | undefined = () => undefined): Promise<MailServer> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (_auth, _session, done) => done(null, { user: 'any' }),
    onData: (stream, session, done) => {
      simpleParser(stream).then((mail) => {
        const refused = refuse();
        if (refused) return done(Object.assign(new Error(refused.text), { responseCode: refused.code }));
        received.push({ mail, recipients: session.envelope.rcptTo.map(({ address }) => address) });
        done();
      }, done);
    },
  });
  return new Promise((resolve) => {
    const listening = server.listen(0, '127.0.0.1', () => {
      const { port } = listening.address() as AddressInfo;
      resolve({ port, received, close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}
