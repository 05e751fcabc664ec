import type { ErrorCode } from '@websub/shared';

// Of shared only types are imported in this thread: its HTTP client would double the time that opening takes.

/** What went wrong in the store's thread, as it is told to the main thread. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string;
}

/** Why the store is not opened; the message ends with the cure. */
export class Refusal extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

// Primary result codes of SQLite.
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended: a file ends before what its own pages point to. */
const IOERR_SHORT_READ = IOERR | (2 << 8);
/** Extended: a full disk, noticed while the index of the WAL grew. */
const IOERR_SHMSIZE = IOERR | (19 << 8);

/** What SQLite says for a code, of those that decide what becomes of the store. */
const CODE_BY_MESSAGE: ReadonlyMap<string, number> = new Map([
  ['attempt to write a readonly database', READONLY],
  ['disk I/O error', IOERR],
  ['database disk image is malformed', CORRUPT],
  ['database or disk is full', FULL],
  ['unable to open database file', CANTOPEN],
  ['file is not a database', NOTADB],
]);

/** The result code; 0 for an error that is not SQLite's. The driver leaves it out when a read of several rows fails. */
function resultCodeOf(error: unknown): number {
  const { errcode } = error as { readonly errcode?: number };
  return errcode ?? (error instanceof Error ? (CODE_BY_MESSAGE.get(error.message) ?? 0) : 0);
}

export function isFull(error: unknown): boolean {
  const code = resultCodeOf(error);
  return (code & 0xff) === FULL || code === IOERR_SHMSIZE;
}

/**
 * Whether the store is finished. After a failed write or fsync nobody knows what is on the disk, and a second fsync that
 * succeeds proves nothing: the kernel may have dropped the pages meanwhile. Only opening again tells.
 */
export function endsTheStore(error: unknown): boolean {
  return !isFull(error) && [READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB].includes(resultCodeOf(error) & 0xff);
}

/** The failure as the callers of the store know it; the message ends with the cure. */
export function failureOf(error: unknown, location: string): Failure {
  const primary = resultCodeOf(error) & 0xff;
  const text = error instanceof Error ? error.message : String(error);
  const cause = primary === 0 ? text : `${text} (SQLite ${resultCodeOf(error)})`;
  if (error instanceof Refusal) return { code: error.code, message: text, cause };
  if (isFull(error)) {
    return {
      code: 'store_full',
      message: `there is no space left for ${location}: make space, then try again`,
      cause,
    };
  }
  if (primary === CORRUPT || primary === NOTADB || resultCodeOf(error) === IOERR_SHORT_READ) {
    return {
      code: 'store_damaged',
      message: `${location} is damaged: restore a backup, or move it away to begin anew`,
      cause,
    };
  }
  return {
    code: 'store_failed',
    message: `${location} cannot be used (${cause}): check the disk and its permissions, then start again`,
    cause,
  };
}
