/** An error as it is told to the person who gave the command: once, in one line. Only a fault of Argos itself shows where in the code it was. */
import { CommandError, EXIT } from './client.ts';

const FULL = 'the disk is full: make room';
const DENIED = `the user who runs this may not use it: change its owner or mode, or name another`;
/** What the system says, by its code. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: 'it lies on a disk that cannot be written: name another place',
  ENOENT: 'there is no such file or folder: name one that is there',
  EEXIST: 'it is there and is no folder: name another',
  ENOTDIR: 'a part of the path is a file and no folder: name another',
  EISDIR: 'it is a folder: name a file',
  ENOSPC: FULL,
  EDQUOT: FULL,
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
};

export function commandErrorOf(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (!(error instanceof Error)) return new CommandError(String(error), EXIT.failed);
  const { code, path } = error as NodeJS.ErrnoException;
  const said = SYSTEM[code ?? ''];
  if (said !== undefined) return new CommandError(path === undefined ? `${said} (${error.message})` : `${path}: ${said}`, EXIT.failed);
  return new CommandError(isOurs(error) ? `a fault in Argos itself: ${error.stack ?? error.message}` : error.message || error.name, EXIT.failed);
}

/** The kinds that a mistake in the code throws: nobody but who mends it can make use of them. */
const isOurs = (error: Error): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError || error instanceof SyntaxError;
