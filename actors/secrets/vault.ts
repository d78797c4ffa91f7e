/** Secrets at rest: AES-256-GCM, one random nonce a value, bound to its name. Never logged, never shown. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NONCE_BYTES = 12; // NIST SP 800-38D §8.2: 96 bits
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** The vault cannot be opened: its key is not the one that it was written with, or the file was changed. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

export class Vault {
  readonly #file: string;
  readonly #key: Buffer;
  #values: ReadonlyMap<string, string> = new Map();

  /**
   * Open the vault of a data directory, or begin one.
   * @param given ARGOS_SECRET_KEY: 64 hexadecimal digits, or any text, of which the SHA-256 is the key. Left out: `secret.key` in `dataDir`, made with mode 0600.
   * @throws VaultError
   */
  constructor(dataDir: string, given: string | undefined) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#file = join(dataDir, 'secrets.json');
    this.#key = given ? keyOf(given) : keyFile(join(dataDir, 'secret.key'));
    if (!existsSync(this.#file)) return;
    const sealed = JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, string>; // this class wrote it
    this.#values = new Map(Object.entries(sealed).map(([name, text]) => [name, this.#open(name, text)]));
  }

  all(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#values);
  }
  names(): readonly string[] {
    return [...this.#values.keys()].sort();
  }
  /** Kept on disk first: what cannot be written has not changed. */
  set(name: string, value: string): void {
    this.#write(new Map(this.#values).set(name, value));
  }
  /** False when there is none of that name. */
  delete(name: string): boolean {
    const rest = new Map(this.#values);
    const there = rest.delete(name);
    if (there) this.#write(rest);
    return there;
  }

  /** Written beside and moved over, so that a crash leaves the old one or the new one. */
  #write(values: ReadonlyMap<string, string>): void {
    const sealed = Object.fromEntries([...values].map(([name, value]) => [name, this.#seal(name, value)]));
    writeFileSync(`${this.#file}.new`, JSON.stringify(sealed), { mode: 0o600, flush: true });
    renameSync(`${this.#file}.new`, this.#file);
    this.#values = values;
  }

  #seal(name: string, value: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(name));
    return Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
  }

  #open(name: string, text: string): string {
    const bytes = Buffer.from(text, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(name))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      throw new VaultError(
        `the secret ${name} in ${this.#file} cannot be opened: the key (ARGOS_SECRET_KEY, or secret.key beside it) is not the one that it was kept with`,
      );
    }
  }
}

const keyOf = (given: string): Buffer => (/^[0-9a-f]{64}$/i.test(given) ? Buffer.from(given, 'hex') : createHash('sha256').update(given).digest());

function keyFile(file: string): Buffer {
  if (!existsSync(file)) writeFileSync(file, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600, flag: 'wx', flush: true });
  chmodSync(file, 0o600);
  return keyOf(readFileSync(file, 'utf8').trim());
}
