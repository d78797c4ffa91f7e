/** Action type `email`: sends a mail over SMTP. */
import { createHash } from 'node:crypto';
import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';
import { type Static, Type } from 'typebox';
import type { Job, Outcome } from '../job.ts';
import type { Fault } from '../schema.ts';
import type { ActionType } from './action.ts';
import { contextOf, html, line, plain, render, templateFault } from './template.ts';

const addresses = (description: string, options: object = {}) =>
  Type.Unsafe<string | string[]>({
    type: ['string', 'array'],
    items: { type: 'string' },
    description: `${description} One address, or a list of single addresses.`,
    ...options,
  });

const schema = Type.Object(
  {
    to: addresses('Recipients.'),
    cc: addresses('Copies.', { default: [] }),
    bcc: addresses('Hidden copies.', { default: [] }),
    from: Type.String({ description: 'The sender.' }),
    subject: Type.String({ default: '${rule.name} is ${rule.state}', description: 'A template; it stays one line.' }),
    body: Type.String({ default: '${rule.details}', description: 'A template; values are escaped for HTML when is_html.' }),
    is_html: Type.Boolean({ default: false, description: 'Whether the body is HTML.' }),
    attachments: Type.Array(
      Type.Object({ filename: Type.String(), content: Type.String({ description: 'The text itself, a template.' }) }, { additionalProperties: false }),
      { default: [], description: 'Texts to attach. Files and URLs cannot be named.' },
    ),
    smtp_server: Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string' },
      minItems: 1,
      minLength: 1,
      description: 'The mail server; of a list the first that answers.',
    }),
    smtp_port: Type.Integer({ minimum: 1, maximum: 65_535, default: 587, description: '465 is TLS from the start, 587 requires STARTTLS.' }),
    smtp_username: Type.Optional(Type.String({ description: 'Left out: no login.' })),
    smtp_password: Type.Optional(Type.String({ description: 'Never logged.' })),
    verify_ssl: Type.Boolean({ default: true, description: "Whether the server's certificate is checked." }),
    timeout: Type.Integer({ minimum: 1, maximum: 600_000, default: 30_000, description: 'Milliseconds that an attempt may take.' }),
  },
  { additionalProperties: false, description: 'Send a mail over SMTP.' },
);

/** One address and nothing else: no comma, no line break, no group, no comment (the addr-spec of RFC 5322 that the world uses). */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const list = (value: string | string[]): string[] => [value].flat();

export const email: ActionType<typeof schema> = {
  type: 'email',
  schema,
  timeoutMs: ({ timeout }) => timeout,
  destination: ({ smtp_server, smtp_port }) => `smtp://${list(smtp_server).join(',')}:${smtp_port}`,
  check(config) {
    const faults: Fault[] = [];
    for (const key of ['to', 'cc', 'bcc', 'from'] as const) {
      for (const address of list(config[key]))
        if (!ADDRESS.test(address)) faults.push({ path: `/${key}`, expected: 'one e-mail address, or a list of single ones', got: address });
    }
    if (list(config.to).length === 0) faults.push({ path: '/to', expected: 'at least one address', got: config.to });
    const texts = [config.subject, config.body, ...config.attachments.map(({ content }) => content)];
    for (const text of texts) {
      const fault = templateFault(text);
      if (fault) faults.push({ path: text === config.subject ? '/subject' : '/body', ...fault });
    }
    return faults;
  },
  shown: mailOf,
  prepare(config, port) {
    const transports = list(config.smtp_server).map((host) =>
      createTransport({
        host,
        port: config.smtp_port,
        secure: config.smtp_port === 465,
        requireTLS: config.smtp_port === 587,
        ...(config.smtp_username === undefined ? {} : { auth: { user: config.smtp_username, pass: config.smtp_password ?? '' } }),
        tls: { rejectUnauthorized: config.verify_ssl },
        pool: true,
        maxConnections: 4,
        connectionTimeout: config.timeout,
        socketTimeout: config.timeout,
        disableFileAccess: true,
        disableUrlAccess: true,
      }),
    );
    port.signal.addEventListener('abort', () => {
      for (const transport of transports) transport.close();
    });
    const [to, cc, bcc] = [list(config.to), list(config.cc), list(config.bcc)];
    return async (job, signal): Promise<Outcome> => {
      const mail = {
        ...mailOf(config, job),
        envelope: { from: config.from, to: [...to, ...cc, ...bcc] },
        messageId: `<${createHash('sha256').update(job.id).digest('hex').slice(0, 32)}@argos>`,
        date: new Date(job.createdMs),
      };
      let last: Outcome = { kind: 'retry', reason: 'no mail server' };
      for (const transport of transports) {
        const share = AbortSignal.timeout(Math.ceil(config.timeout / transports.length)); // one that hangs leaves time for the next
        last = await send(transport, { ...mail, signal: AbortSignal.any([signal, share]) });
        if (last.kind !== 'retry') break; // the next server is for when this one does not answer
      }
      return last;
    };
  },
};

function mailOf({ from, to, cc, bcc, subject, body, is_html, attachments }: Static<typeof schema>, job: Job) {
  const context = contextOf(job);
  const text = render(body, context, is_html ? html : plain);
  return {
    from,
    to: list(to),
    cc: list(cc),
    bcc: list(bcc),
    subject: render(subject, context, line),
    ...(is_html ? { html: text } : { text }),
    attachments: attachments.map(({ filename, content }) => ({ filename, content: render(content, context, plain) })),
  };
}

async function send(transport: Transporter, mail: SendMailOptions & { readonly signal: AbortSignal }): Promise<Outcome> {
  try {
    const { response = '' } = await transport.sendMail(mail);
    return { kind: 'delivered', detail: response };
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'responseCode' in error ? Number(error.responseCode) : 0;
    const reason = mail.signal.aborted ? 'the attempt took too long' : error instanceof Error ? error.message : String(error);
    if (code >= 500 && code < 600) return { kind: 'discard', reason, class: code === 530 || code === 534 || code === 535 || code === 538 ? 'auth' : 'client' };
    return { kind: 'retry', reason, class: mail.signal.aborted ? 'timeout' : code > 0 ? 'server' : 'network' }; // RFC 5321 §4.2.1: 5yz is permanent
  }
}
