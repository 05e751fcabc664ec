import { BEFORE_ALL, type Position } from '../../log/log.js';
import { openDatabase } from './open-database.js';
import { LATEST_SCHEMA, schemaOf } from './schema.js';
import { loadSqlite, type Database } from './sqlite-driver.js';
import { Tables } from './tables.js';

/** What was found in a database. */
export interface Inspection {
  /** Sentences, one for each thing that is not as it was written; empty when all is sound. */
  readonly damage: readonly string[];
  /** Sentences about rows that earlier starts put aside; nothing is wrong with the rest. */
  readonly remarks: readonly string[];
  /** How much was read; absent when the rows are of a schema that this program does not work with. */
  readonly read?: { readonly entries: number; readonly subscriptions: number };
}

const ROWS_AT_ONCE = 1_000;
const MOST_COMPLAINTS = 100;

/**
 * Reads everything: SQLite's own structure, references between rows, and each row against its checksum. A hub may work on
 * the database meanwhile. Changes nothing.
 */
export async function inspect(location: string): Promise<Inspection> {
  const found: Findings = { damage: [], remarks: [] };
  try {
    const database = openDatabase(await loadSqlite(), location);
    try {
      // All of it as it was at one moment.
      database.exec('BEGIN');
      examine(database, found);
    } finally {
      database.close();
    }
  } catch (error) {
    found.damage.push(
      `it cannot be read any further: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return found;
}

interface Findings {
  readonly damage: string[];
  readonly remarks: string[];
  read?: { entries: number; subscriptions: number };
}

function examine(database: Database, found: Findings): void {
  const { damage, remarks } = found;
  const complaints = database.prepare(`PRAGMA integrity_check(${MOST_COMPLAINTS})`).all() as {
    integrity_check: string;
  }[];
  for (const { integrity_check: complaint } of complaints)
    if (complaint !== 'ok') damage.push(`structure: ${complaint}`);
  const strays = database.prepare('PRAGMA foreign_key_check').all() as { table: string; rowid: number }[];
  for (const { table, rowid } of strays) damage.push(`row ${rowid} of ${table} refers to nothing`);
  const schema = schemaOf(database);
  if (schema !== LATEST_SCHEMA) {
    remarks.push(
      `its rows were not read: they are of schema ${schema}, and this program knows ${LATEST_SCHEMA}`,
    );
    return;
  }
  found.read = { entries: 0, subscriptions: 0 };
  examineRows(new Tables(database), damage, found.read);
  const aside = database.prepare('SELECT source, key FROM quarantine ORDER BY number').all() as {
    source: string;
    key: string;
  }[];
  for (const { source, key } of aside) remarks.push(`put aside earlier: ${source} ${key}`);
}

function examineRows(
  { log, registry, places, credentials, consumers }: Tables,
  damage: string[],
  read: NonNullable<Findings['read']>,
): void {
  // Each goes on behind the last row that it was given, so all of them end.
  for (let after: Position | undefined = BEFORE_ALL; after !== undefined;) {
    const batch: ReturnType<typeof log.examineAfter> = log.examineAfter(after, ROWS_AT_ONCE);
    read.entries += batch.count;
    for (const { position, id, topic } of batch.damaged)
      damage.push(`entry ${position} (${id}) of ${topic} is not as it was published`);
    after = batch.last;
  }
  for (let after: number | undefined = 0; after !== undefined;) {
    const batch: ReturnType<typeof registry.subscriptionsAfter> = registry.subscriptionsAfter(
      after,
      ROWS_AT_ONCE,
    );
    read.subscriptions += (JSON.parse(batch.rows) as unknown[]).length;
    for (const { key } of batch.damaged) damage.push(`subscription ${key} is not as it was written`);
    after = batch.last;
  }
  for (let after: number | undefined = 0; after !== undefined;) {
    const batch: ReturnType<typeof places.after> = places.after(after, ROWS_AT_ONCE);
    for (const { key } of batch.damaged)
      damage.push(`the place of subscription ${key} is not as it was written`);
    after = batch.last;
  }
  for (let after: string | undefined = ''; after !== undefined;) {
    const topics: ReturnType<typeof registry.topicsAfter> = registry.topicsAfter({
      after,
      limit: ROWS_AT_ONCE,
    });
    for (const { sound, url } of topics)
      if (sound !== 1) damage.push(`topic ${url} is not as it was written`);
    after = topics.at(-1)?.url;
  }
  for (let after: string | undefined = ''; after !== undefined;) {
    const keys: ReturnType<typeof credentials.find> = credentials.find({ after, limit: ROWS_AT_ONCE });
    for (const { sound, id } of keys)
      if (sound !== 1) damage.push(`credential ${id} is not as it was written`);
    after = keys.at(-1)?.id;
  }
  for (let after: string | undefined = ''; after !== undefined;) {
    const found: ReturnType<typeof consumers.after> = consumers.after({ after, limit: ROWS_AT_ONCE });
    for (const { sound, id } of found)
      if (sound !== 1) damage.push(`consumer ${id} is not as it was written`);
    after = found.at(-1)?.id;
  }
  for (let after: number | undefined = 0; after !== undefined;) {
    const revoked: ReturnType<typeof credentials.revocationsAfter> = credentials.revocationsAfter(
      after,
      ROWS_AT_ONCE,
    );
    for (const { sound, kind, value } of revoked)
      if (sound !== 1) damage.push(`the revocation of ${kind} ${value} is not as it was written`);
    after = revoked.at(-1)?.number;
  }
}
