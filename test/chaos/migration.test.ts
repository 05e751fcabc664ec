import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { checkData } from '../../packages/hub/dist/index.js';
import { createTables } from '../../packages/hub/dist/store/sqlite/migrations/0001-tables.js';
import { LATEST_SCHEMA, schemaOf } from '../../packages/hub/dist/store/sqlite/schema.js';
import { loadSqlite } from '../../packages/hub/dist/store/sqlite/sqlite-driver.js';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import { randomFrom } from './load.js';

/** Kills while an older database is brought up to date; `npm run faults` takes many more. */
const KILLS = Number(process.env['MIGRATION_KILLS'] ?? 3);
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const ROWS = 10_000;
const TOPICS = 100;
const storeUrl = new URL('../../packages/hub/dist/store/sqlite/sqlite-store.js', import.meta.url).href;

it(
  `a database of the first schema is brought up to date whole, or stays as it was, through ${KILLS} kills (CHAOS_SEED=${SEED})`,
  async () => {
    const random = randomFrom(SEED);
    const old = join(await temporaryFolder(), 'old.sqlite');
    await writeFirstSchema(old);
    const undisturbedMs = await migrate(await copyOf(old), Infinity);
    let interrupted = 0;
    for (let round = 0; round < KILLS; round++) {
      const folder = await copyOf(old);
      await migrate(folder, random() * undisturbedMs);
      const schema = await schemaIn(folder);
      expect(schema).toBeGreaterThan(0);
      if (schema < LATEST_SCHEMA) interrupted++;
      // Whatever was reached, the next start goes on from there.
      await migrate(folder, Infinity);
      await isWhole(folder);
    }
    console.log(`${KILLS} kills, ${interrupted} before the end of the migration, seed ${SEED}`);
  },
  60_000 + KILLS * 15_000,
);

/** Opens the store in a process that is killed after a while; settles with how long it took or lived. */
async function migrate(folder: string, killAfterMs: number): Promise<number> {
  const script = `import { openSqliteStore } from ${JSON.stringify(storeUrl)};
    console.log('opening');
    await (await openSqliteStore({ folder: ${JSON.stringify(folder)} })).close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const startedAt = performance.now();
  if (killAfterMs < Infinity) {
    await Promise.race([pause(killAfterMs), exited]);
    child.kill('SIGKILL');
  }
  await exited;
  return performance.now() - startedAt;
}

async function isWhole(folder: string): Promise<void> {
  expect(await checkData(folder)).toEqual({
    damage: [],
    remarks: [],
    read: { entries: ROWS, subscriptions: ROWS },
  });
  const store = await openSqliteStore({ folder });
  try {
    const secrets: (string | null)[] = [];
    for await (const batch of store.registry.loadSubscriptions())
      for (const { lease, pending } of batch)
        secrets.push(lease?.secret ?? (pending?.kind === 'subscribe' ? pending.secret : null));
    expect(new Set(secrets)).toEqual(new Set(['plain.a secret', null]));
    let places = 0;
    for await (const batch of store.places.load()) places += batch.length;
    expect(places).toBe(ROWS);
  } finally {
    await store.close();
  }
}

/** A database as the first hubs wrote it. */
async function writeFirstSchema(file: string): Promise<void> {
  const database = (await loadSqlite())(file);
  database.exec('PRAGMA journal_mode = WAL; BEGIN');
  createTables(database);
  const topic = database.prepare('INSERT INTO topic (number, url) VALUES (?, ?)');
  for (let n = 1; n <= TOPICS; n++) topic.run(n, urlOf(n));
  database.exec(`
    INSERT INTO topic_record (url, version, record)
      SELECT url, 1, '{"registered":true,"fetch":null,"validators":null}' FROM topic;
    PRAGMA user_version = 1;`);
  const subscribe = database.prepare(
    'INSERT INTO subscription (id, topic, callback, version, lease, pending) VALUES (?, ?, ?, 1, ?, ?)',
  );
  const place = database.prepare(
    'INSERT INTO place (subscription, position, attempts, due_at) VALUES (?, ?, 0, 0.5)',
  );
  const append = database.prepare(`
    INSERT INTO entry (topic, id, content_type, headers, published_at, digest, body) VALUES (?, ?, 'a/b', '{}', 1, ?, ?)`);
  for (let n = 0; n < ROWS; n++) {
    const secret = n % 3 === 0 ? 'a secret' : null;
    const lease = JSON.stringify({ secret, seconds: 60, endsAt: 99, since: 0 });
    const pending = JSON.stringify({
      kind: 'subscribe',
      request: `r${n}`,
      secret,
      leaseSeconds: 60,
      verifyToken: null,
      attempts: 0,
      dueAt: 1,
    });
    const isPending = n % 2 === 0;
    subscribe.run(
      `s${n}`,
      1 + (n % TOPICS),
      `https://s.example/${n}`,
      isPending ? null : lease,
      isPending ? pending : null,
    );
    place.run(`s${n}`, n);
    const url = urlOf(1 + (n % TOPICS));
    append.run(
      1 + (n % TOPICS),
      `e${n}`,
      digestOf([url, `e${n}`, null, 'a/b', '{}', 1], 'body'),
      Buffer.from('body'),
    );
  }
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

function urlOf(topic: number): string {
  return `https://publisher.example/${topic}`;
}

/** As the first hubs computed it. */
function digestOf(fields: readonly (string | number | null)[], body: string): Buffer {
  return createHash('sha256').update(JSON.stringify(fields)).update(body).digest();
}

async function schemaIn(folder: string): Promise<number> {
  const database = (await loadSqlite())(join(folder, 'hub.sqlite'));
  try {
    return schemaOf(database);
  } finally {
    database.close();
  }
}

async function copyOf(file: string): Promise<string> {
  const folder = await temporaryFolder();
  await copyFile(file, join(folder, 'hub.sqlite'));
  return folder;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-migration-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
