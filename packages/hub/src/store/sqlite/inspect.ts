import { BEFORE_ALL, type Position } from '../../log/log.js';
import type { LoadedTopic, StoredConsumer, StoredCredential, StoredRevocation } from './commands.js';
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
  const limit = ROWS_AT_ONCE;
  for (const batch of batches(BEFORE_ALL, (after: Position) => log.examineAfter(after, limit))) {
    read.entries += batch.count;
    for (const { position, id, topic } of batch.damaged)
      damage.push(`entry ${position} (${id}) of ${topic} is not as it was published`);
  }
  for (const { rows, damaged } of batches(0, (after: number) => registry.subscriptionsAfter(after, limit))) {
    read.subscriptions += (JSON.parse(rows) as unknown[]).length;
    for (const { key } of damaged) damage.push(`subscription ${key} is not as it was written`);
  }
  for (const { damaged } of batches(0, (after: number) => places.after(after, limit)))
    for (const { key } of damaged) damage.push(`the place of subscription ${key} is not as it was written`);
  for (const { url } of damagedRows<LoadedTopic>((last) => registry.topicsAfter({ after: last?.url, limit })))
    damage.push(`topic ${url} is not as it was written`);
  for (const { id } of damagedRows<StoredCredential>((last) => credentials.find({ after: last?.id, limit })))
    damage.push(`credential ${id} is not as it was written`);
  for (const { id } of damagedRows<StoredConsumer>((last) => consumers.after({ after: last?.id, limit })))
    damage.push(`consumer ${id} is not as it was written`);
  const revocations = damagedRows<StoredRevocation>((last) =>
    credentials.revocationsAfter(last?.number ?? 0, limit),
  );
  for (const { kind, value } of revocations)
    damage.push(`the revocation of ${kind} ${value} is not as it was written`);
}

// Each read goes on behind the last row that was given, so both end.

function* batches<After, Batch extends { readonly last?: After }>(
  first: NoInfer<After>,
  read: (after: After) => Batch,
): Generator<Batch> {
  for (let after: After | undefined = first; after !== undefined;) {
    const batch: Batch = read(after);
    yield batch;
    after = batch.last;
  }
}

function* damagedRows<Row extends { readonly sound: number }>(
  read: (last: Row | undefined) => readonly Row[],
): Generator<Row> {
  for (let rows = read(undefined); rows.length > 0; rows = read(rows.at(-1)))
    yield* rows.filter(({ sound }) => sound !== 1);
}
