import { Refusal } from './failure.js';

type SqlValue = null | number | bigint | string | Uint8Array;

/** The part of a prepared statement that the store uses. */
export interface Statement {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqlValue[]): unknown;
  all(...values: readonly SqlValue[]): unknown[];
}

/** The part of a connection that the store uses: what `node:sqlite` and `@photostructure/sqlite` have in common. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** Defines a function that statements can call. */
  function(
    name: string,
    options: { readonly deterministic: boolean },
    action: (value: SqlValue) => SqlValue,
  ): void;
  /** Whether SQLite refuses what could damage the database; absent where it never does. */
  enableDefensive?(active: boolean): void;
  close(): void;
}

interface Driver {
  readonly DatabaseSync: new (location: string) => Database;
}

/** Opens a connection to a file, or to `:memory:`. */
export type Connect = (location: string) => Database;

// Everything from 3.7.0 to 3.51.2 can corrupt a database when the WAL is reset while another connection checkpoints.
const OLDEST_SQLITE = [3, 51, 3] as const;

/** SQLite as built into the runtime when that is new enough, else as bundled with a package of the same API. */
export async function loadSqlite(): Promise<Connect> {
  // `import` would fail to resolve on a runtime without the module; this answers undefined.
  const builtIn = process.getBuiltinModule('node:sqlite') as Driver | undefined;
  const driver =
    builtIn !== undefined && isSafe(versionOf(builtIn))
      ? builtIn
      : ((await import('@photostructure/sqlite')) as unknown as Driver);
  const version = versionOf(driver);
  if (!isSafe(version)) {
    throw new Refusal(
      'store_failed',
      `SQLite ${version} can corrupt a database (fixed in ${OLDEST_SQLITE.join('.')}): install a newer @photostructure/sqlite or a newer Node.js`,
    );
  }
  return (location) => new driver.DatabaseSync(location);
}

function versionOf(driver: Driver): string {
  const database = new driver.DatabaseSync(':memory:');
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  database.close();
  return version;
}

/** Whether this SQLite is free of the known ways to corrupt a database. */
export function isSafe(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
