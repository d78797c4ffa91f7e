/** The node's own log: JSON lines with actor names on stderr, and the last of them kept for `argos logs`. The only file that knows winston. */
import { EventEmitter } from 'node:events';
import winston from 'winston';
import Transport from 'winston-transport';

export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly actor: string;
  readonly message: string;
  readonly [detail: string]: unknown;
}
export type Write = (message: string, details?: Readonly<Record<string, unknown>>) => void;
export interface Logger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

const KEPT = 1_000;
const kept: LogLine[] = [];
/** Emits `line` for every line that is written. */
export const tail = new EventEmitter().setMaxListeners(0);

class Tail extends Transport {
  override log(info: winston.Logform.TransformableInfo, next: () => void): void {
    const { level, message, actor, time, ...rest } = info;
    const line = { time: String(time), level, actor: String(actor), message: String(message), ...rest };
    kept.push(line);
    if (kept.length > KEPT) kept.splice(0, kept.length - KEPT);
    tail.emit('line', line);
    next();
  }
}

/** A reader that has gone away or a full disk takes lines, never the node; `argos logs` still has them. */
process.stderr.on('error', () => {});

const now = winston.format((info) => Object.assign(info, { time: new Date().toISOString() }));
const root = winston.createLogger({
  level: 'info',
  format: winston.format.combine(now(), winston.format.json()),
  transports: [new Tail(), new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
});

/** Write no line that is less than this: `debug`, `info`, `warn` or `error`. */
export function setLogLevel(level: string): void {
  root.level = level;
}

/** Write nothing to stderr; the last lines are kept all the same. */
export function silence(): void {
  for (const transport of root.transports) if (!(transport instanceof Tail)) transport.silent = true;
}

/** A logger that signs with the actor's name. */
export function logger(actor: string): Logger {
  const write =
    (level: string): Write =>
    (message, details = {}) => {
      if (root.isLevelEnabled(level)) root.log({ level, message, actor, ...details });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** The last lines, oldest first. */
export const recentLines = (count: number): readonly LogLine[] => kept.slice(-count);
