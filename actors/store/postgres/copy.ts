/**
 * COPY … FROM STDIN as one query of a pipelining connection. What is copied is at hand, so it goes out behind the statement without waiting for
 * the server's word: when the statement fails, the server drops it (PostgreSQL, 55.2.6: messages that come after an error are dropped).
 */
import pg from 'pg';

/** Bytes of one CopyData message at the most; the server keeps one whole. */
const PIECE = 1 << 16;
/** 'd' and the length, which counts itself (55.7, CopyData). */
const HEAD = 5;
const DONE = Buffer.from([0x63, 0, 0, 0, 4]);

class CopyIn extends pg.Query {
  constructor(text: string, data: Uint8Array, callback: (error: Error | undefined) => void) {
    super(text, callback);
    this.submit = (connection): void => {
      connection.query(text);
      const { stream } = connection;
      if (!stream.writable) return; // the connection's end is told by itself
      for (let at = 0; at < data.length; at += PIECE) {
        const piece = data.subarray(at, at + PIECE);
        const head = Buffer.alloc(HEAD, 0x64);
        head.writeInt32BE(piece.length + 4, 1);
        stream.write(head);
        stream.write(piece);
      }
      stream.write(DONE);
    };
  }

  /** The driver's own would answer that there is nothing to copy. */
  handleCopyInResponse(): void {}
}

/** @param into `table (column, …)` @param data rows in COPY's binary format. @throws the server's error. */
export const copyIn = (client: pg.Client, into: string, data: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    client.query(new CopyIn(`COPY ${into} FROM STDIN (FORMAT binary)`, data, (error) => (error ? reject(error) : resolve())));
  });
