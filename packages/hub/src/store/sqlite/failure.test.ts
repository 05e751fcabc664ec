import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { endsTheStore, failureOf, isFull } from './failure.js';
import { loadSqlite, type Statement } from './sqlite-driver.js';

const PAGE_BYTES = 4_096;

async function damagedTable(): Promise<Statement> {
  const folder = mkdtempSync(join(tmpdir(), 'websub-failure-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'database');
  const connect = await loadSqlite();
  const database = connect(file);
  database.exec('CREATE TABLE t (a TEXT)');
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  for (let row = 0; row < 20; row++) insert.run('x'.repeat(PAGE_BYTES / 2));
  database.close();
  // The second page is the root of the table, which all others hang on.
  writeSync(openSync(file, 'r+'), Buffer.alloc(PAGE_BYTES, 7), 0, PAGE_BYTES, PAGE_BYTES);
  return connect(file).prepare('SELECT a FROM t');
}

it.each(['all', 'get'] as const)('damage that %s meets ends the store', async (how) => {
  const statement = await damagedTable();
  let thrown: unknown;
  try {
    statement[how]();
  } catch (error) {
    thrown = error;
  }
  expect(endsTheStore(thrown)).toBe(true);
  expect(isFull(thrown)).toBe(false);
  expect(failureOf(thrown, '/data/hub.sqlite')).toMatchObject({
    code: 'store_damaged',
    message: expect.stringMatching(/^\/data\/hub\.sqlite is damaged: restore a backup/) as unknown,
  });
});

it('a file that was cut short is damaged: no check of the disk would mend it', () => {
  const shortRead = Object.assign(new Error('disk I/O error'), { errcode: 522 });
  expect(endsTheStore(shortRead)).toBe(true);
  expect(failureOf(shortRead, '/data/hub.sqlite').code).toBe('store_damaged');
  expect(failureOf(Object.assign(shortRead, { errcode: 10 }), '/data/hub.sqlite').code).toBe('store_failed');
});

it('an error of our own does not end the store', () => {
  expect(endsTheStore(new TypeError('a mistake'))).toBe(false);
  expect(endsTheStore('thrown')).toBe(false);
});
