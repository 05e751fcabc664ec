import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SubscriptionRecord } from '../subscription/subscription.js';
import { storeContract } from '../testing/store-contract.js';
import { memoryStore } from './memory-store.js';
import { isAtLeast, openSqlite } from './sqlite-driver.js';
import { sqliteStore } from './sqlite-store.js';

const record: SubscriptionRecord = {
  id: 'one',
  version: 1,
  service: 'Feed',
  target: 't',
  origin: 'configured',
  hub: 'https://hub.example/',
  topic: 'https://publisher.example/',
  callback: 'https://me.example/one',
  state: 'pending',
  secrets: ['s3cret'],
  attempts: 1,
};

describe('memoryStore', () => {
  it.each(storeContract)('$title', ({ run }) => run(memoryStore()));
});

describe('sqliteStore', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'websub-store-'));
    path = join(folder, 'subscriptions.db');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each(storeContract)('$title', async ({ run }) => {
    using store = sqliteStore(path);
    await run(store);
  });

  it('keeps what was put when it is opened again', async () => {
    using first = sqliteStore(path);
    await first.put(record, undefined);
    first.close();
    using second = sqliteStore(path);
    expect(await second.get('one')).toEqual(record);
  });

  it('is seen by two instances at once, and lets one of them write', async () => {
    using one = sqliteStore(path);
    using two = sqliteStore(path);
    await one.put(record, undefined);
    expect(await two.get('one')).toEqual(record);
    expect(await two.put({ ...record, version: 2 }, 1)).toBe(true);
    expect(await one.put({ ...record, version: 2 }, 1)).toBe(false);
  });

  it('syncs every commit, also after it was closed and opened', () => {
    for (let opening = 0; opening < 2; opening++) {
      const database = openSqlite(path);
      expect(database.prepare('PRAGMA synchronous').get()?.['synchronous']).toBe(2);
      expect(database.prepare('PRAGMA journal_mode').get()?.['journal_mode']).toBe('wal');
      database.close();
    }
  });

  it('is readable by its owner only, since it holds the secrets', async () => {
    using store = sqliteStore(path);
    await store.put(record, undefined);
    for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('says what to do when the file cannot be opened', () => {
    expect(() => sqliteStore(join(folder, 'missing', 'x.db'))).toThrow(
      expect.objectContaining({
        code: 'store_failed',
        message: expect.stringContaining('its folder exists') as unknown,
      }),
    );
  });

  it('refuses a file that is no database', async () => {
    await writeFile(path, 'not a database, but long enough to look like a file of somebody else'.repeat(20));
    expect(() => sqliteStore(path)).toThrow(
      expect.objectContaining({
        code: 'store_failed',
        message: expect.stringContaining('(file is not a database): check that it is a store') as unknown,
      }),
    );
  });

  it('refuses an empty path, under which SQLite keeps nothing', () => {
    expect(() => sqliteStore('')).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        message: expect.stringMatching(/is empty: name a file/) as unknown,
      }),
    );
  });

  it('turns a fault of the database into a rejection', async () => {
    const store = sqliteStore(path);
    store.close();
    await expect(store.get('one')).rejects.toThrow(/not open|closed/);
  });
});

describe('isAtLeast', () => {
  it.each([
    [[3, 51, 3], true],
    [[3, 51, 2], false],
    [[3, 53, 0], true],
    [[4], true],
    [[3, 51], false],
  ])('finds that %j is sound: %s', (version, sound) => {
    expect(isAtLeast(version, [3, 51, 3])).toBe(sound);
  });
});
