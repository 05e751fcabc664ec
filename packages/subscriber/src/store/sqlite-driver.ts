import { createRequire } from 'node:module';
import { reasonOf, WebSubError } from '@websub/shared';

type Row = Readonly<Record<string, unknown>>;
type SqlValue = string | number | null;

/** The part of `node:sqlite` that is used; `@photostructure/sqlite` has the same interface. */
export interface SqliteDatabase {
  readonly isOpen: boolean;
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteStatement {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqlValue[]): Row | undefined;
  all(...values: readonly SqlValue[]): readonly Row[];
}

interface SqliteProvider {
  readonly DatabaseSync: new (path: string) => SqliteDatabase;
}

/** SQLite 3.7.0 to 3.51.2 can corrupt a database in WAL mode when two connections reset the log at once. */
const OLDEST_SOUND_VERSION = [3, 51, 3] as const;

/**
 * Opens a database with the runtime's own SQLite when there is one and it is sound, else with the packaged one.
 *
 * Every commit is on stable storage when it returns: `synchronous` is set and read back on each open, since a build
 * may fall back to NORMAL from the second open on. Throws `store_failed`.
 */
export function openSqlite(path: string): SqliteDatabase {
  const require = createRequire(import.meta.url);
  try {
    const database = new (chooseProvider(require).DatabaseSync)(path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;');
    if (database.prepare('PRAGMA synchronous').get()?.['synchronous'] !== 2) {
      database.close();
      throw new Error('synchronous=FULL was not accepted');
    }
    return database;
  } catch (cause) {
    const cure = 'check that it is a store, and that its folder exists and is writable';
    throw new WebSubError(
      'store_failed',
      `the store ${path} cannot be opened (${reasonOf(cause)}): ${cure}`,
      { cause },
    );
  }
}

function chooseProvider(require: NodeJS.Require): SqliteProvider {
  // A static import would fail on runtimes without it.
  const builtIn = process.getBuiltinModule?.('node:sqlite') as SqliteProvider | undefined;
  if (builtIn !== undefined && isSound(builtIn)) return builtIn;
  return require('@photostructure/sqlite') as SqliteProvider;
}

function isSound({ DatabaseSync: Database }: SqliteProvider): boolean {
  const database = new Database(':memory:');
  const version = String(database.prepare('SELECT sqlite_version() AS version').get()?.['version']);
  database.close();
  return isAtLeast(version.split('.').map(Number), OLDEST_SOUND_VERSION);
}

/** Compares version numbers part by part. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  const differing = least.findIndex((part, at) => (version[at] ?? 0) !== part);
  return differing < 0 || (version[differing] ?? 0) > (least[differing] ?? 0);
}
