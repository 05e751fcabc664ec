import { beforeEach, describe, expect, it } from 'vitest';
import { endsTheStore, failureOf, isFull } from './failure.js';
import { commitGroup, type Outcome } from './group-commit.js';
import { loadSqlite, type Database } from './sqlite-driver.js';

let database: Database;

beforeEach(async () => {
  database = (await loadSqlite())(':memory:');
  database.exec('CREATE TABLE kept (text TEXT UNIQUE)');
});

const insert = (text: string) => () => void database.prepare('INSERT INTO kept VALUES (?)').run(text);
const kept = () =>
  (database.prepare('SELECT text FROM kept').all() as { text: string }[]).map(({ text }) => text);
const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);

function sqliteError(errcode: number): Error {
  return Object.assign(new Error('from SQLite'), { errcode });
}

describe('a group', () => {
  it('is committed together, and answers in order', () => {
    const outcomes = commitGroup(database, [insert('a'), () => 1, insert('b')]);
    expect(outcomes[1]).toEqual({ kind: 'done', value: 1 });
    expect(kept()).toEqual(['a', 'b']);
  });

  it('loses only the command that fails', () => {
    expect(kinds(commitGroup(database, [insert('a'), insert('a'), insert('b')]))).toEqual([
      'done',
      'failed',
      'done',
    ]);
    expect(kept()).toEqual(['a', 'b']);
  });

  it('keeps nothing of a command that fails half way', () => {
    const half = () => {
      insert('half')();
      throw new Error('no');
    };
    expect(kinds(commitGroup(database, [half, insert('a')]))).toEqual(['failed', 'done']);
    expect(kept()).toEqual(['a']);
  });

  it('that fills the disk fails with "full", and later ones succeed when there is room', () => {
    database.exec('PRAGMA max_page_count = 20');
    const outcomes = commitGroup(database, [insert('a'), insert('x'.repeat(200_000)), insert('b')]);
    expect(kinds(outcomes)).toEqual(['done', 'failed', 'done']);
    const [, failed] = outcomes;
    expect(failed?.kind === 'failed' && failureOf(failed.error, 'the file').code).toBe('store_full');
    database.exec('PRAGMA max_page_count = 1000');
    expect(kinds(commitGroup(database, [insert('x'.repeat(200_000))]))).toEqual(['done']);
  });

  it.each([
    ['fsync', 1034],
    ['write', 778],
    ['damage', 11],
  ])('ends the store at a failed %s, and runs nothing again', (_what, errcode) => {
    let runs = 0;
    const failing = () => {
      runs += 1;
      throw sqliteError(errcode);
    };
    expect(() => commitGroup(database, [insert('a'), failing])).toThrow('from SQLite');
    expect(runs).toBe(1);
    expect(kept()).toEqual([]);
  });
});

describe('a failure', () => {
  it('for want of space does not end the store, wherever SQLite noticed it', () => {
    for (const errcode of [13, 4874]) {
      expect(isFull(sqliteError(errcode))).toBe(true);
      expect(endsTheStore(sqliteError(errcode))).toBe(false);
    }
  });

  it('names the file and the cure', () => {
    expect(failureOf(sqliteError(11), '/data/hub.sqlite').message).toMatch(
      /^\/data\/hub\.sqlite is damaged: restore/,
    );
    expect(failureOf(sqliteError(1034), '/data/hub.sqlite').message).toContain('check the disk');
  });
});
