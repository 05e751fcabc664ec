import { describe, expect, it } from 'vitest';
import { openDatabase } from './open-database.js';
import { migrate } from './schema.js';
import { isSafe, loadSqlite } from './sqlite-driver.js';

describe('the SQLite that is used', () => {
  it('is one that cannot corrupt a database', async () => {
    const database = (await loadSqlite())(':memory:');
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    expect(isSafe(version)).toBe(true);
  });

  it.each([
    ['3.51.2', false],
    ['3.51.3', true],
    ['3.53.0', true],
    ['3.9.9', false],
    ['4.0.0', true],
  ])('%s: %s', (version, safe) => {
    expect(isSafe(version)).toBe(safe);
  });
});

describe('a database', () => {
  it('of a newer hub is refused with the cure', async () => {
    const database = openDatabase(await loadSqlite(), ':memory:');
    migrate(database, ':memory:');
    database.exec('PRAGMA user_version = 99');
    expect(() => migrate(database, 'hub.sqlite')).toThrow(
      /hub\.sqlite was written by a newer hub \(schema 99.*start that version/,
    );
  });

  it('is left as it is by a second migration', async () => {
    const database = openDatabase(await loadSqlite(), ':memory:');
    migrate(database, ':memory:');
    const epoch = database.prepare('SELECT epoch FROM log').all();
    migrate(database, ':memory:');
    expect(database.prepare('SELECT epoch FROM log').all()).toEqual(epoch);
  });
});
