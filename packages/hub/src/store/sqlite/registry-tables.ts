import type { DeadLetter } from '../../subscription/registry.js';
import {
  DEAD_LETTERS_AT_ONCE,
  type DeadLetterKeys,
  type KnownTopic,
  type StoredPage,
  type StoredSubscription,
  type StoredTopic,
  type SubscriptionBatch,
  type SubscriptionKeys,
  type TopicKeys,
} from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';
import type { TopicNumbers } from './topic-numbers.js';

/** Topics, subscriptions and dead letters as tables; runs in the store's thread, inside the transaction of the caller. */
export class RegistryTables {
  readonly #database: Database;
  readonly #topics: TopicNumbers;
  readonly #insertTopic: Statement;
  readonly #updateTopic: Statement;
  readonly #insertSubscription: Statement;
  readonly #updateSubscription: Statement;
  readonly #deleteSubscription: Statement;
  readonly #deletePlace: Statement;
  readonly #subscriptionsAfter: Statement;
  readonly #saveLetter: Statement;
  readonly #trimLetters: Statement;
  readonly #countLetters: Statement;
  readonly #finds = new Map<string, Statement>();

  constructor(database: Database, topics: TopicNumbers) {
    this.#database = database;
    this.#topics = topics;
    this.#insertTopic = database.prepare(
      'INSERT OR IGNORE INTO topic_record (record, url, version) VALUES (?, ?, ?)',
    );
    this.#updateTopic = database.prepare(
      'UPDATE topic_record SET record = ?1, version = ?3 WHERE url = ?2 AND version = ?3 - 1',
    );
    // Another subscription with the same topic and callback makes these change nothing.
    this.#insertSubscription = database.prepare(`
      INSERT OR IGNORE INTO subscription (id, topic, callback, version, lease, pending) VALUES (?, ?, ?, ?, ?, ?)`);
    this.#updateSubscription = database.prepare(`
      UPDATE OR IGNORE subscription SET topic = ?2, callback = ?3, version = ?4, lease = ?5, pending = ?6
      WHERE id = ?1 AND version = ?4 - 1`);
    this.#deleteSubscription = database.prepare('DELETE FROM subscription WHERE id = ? AND version = ?');
    this.#deletePlace = database.prepare('DELETE FROM place WHERE subscription = ?');
    // SQLite writes the JSON itself: one text crosses to the main thread instead of thousands of objects.
    this.#subscriptionsAfter = database.prepare(`
      SELECT max(number) AS last,
        json_group_array(json_array(id, url, callback, version, json(lease), json(pending))) AS rows
      FROM (
        SELECT s.number, s.id, url, callback, version, lease, pending
        FROM subscription s JOIN topic ON topic.number = s.topic
        WHERE s.number > ? ORDER BY s.number LIMIT ?
      )`);
    this.#saveLetter = database.prepare('INSERT OR REPLACE INTO dead_letter (id, letter) VALUES (?, ?)');
    this.#trimLetters = database.prepare(`
      DELETE FROM dead_letter WHERE rowid IN (SELECT rowid FROM dead_letter WHERE at < ? LIMIT ${DEAD_LETTERS_AT_ONCE})`);
    this.#countLetters = database.prepare('SELECT count(*) AS letters FROM dead_letter');
  }

  saveTopic({ url, version, record }: StoredTopic): boolean {
    // Whatever is known of has a number: known_topic begins with those.
    this.#topics.numberOf(url);
    const save = version === 1 ? this.#insertTopic : this.#updateTopic;
    return Number(save.run(record, url, version).changes) === 1;
  }

  findTopics(page: StoredPage): readonly StoredTopic[] {
    return this.#find('SELECT url, version, record FROM topic_record', 'url', [], page) as StoredTopic[];
  }

  findKnownTopics({ topic }: TopicKeys, page: StoredPage): readonly KnownTopic[] {
    const select = 'SELECT url, version, record FROM known_topic';
    return this.#find(select, 'url', [['url = ?', topic]], page) as KnownTopic[];
  }

  saveSubscription({ id, topic, callback, version, lease, pending }: StoredSubscription): boolean {
    const save = version === 1 ? this.#insertSubscription : this.#updateSubscription;
    const number = this.#topics.numberOf(topic);
    return Number(save.run(id, number, callback, version, lease, pending).changes) === 1;
  }

  removeSubscription(id: string, version: number): boolean {
    if (Number(this.#deleteSubscription.run(id, version).changes) === 0) return false;
    this.#deletePlace.run(id);
    return true;
  }

  subscriptionsAfter(number: number, limit: number): SubscriptionBatch {
    const { last, rows } = this.#subscriptionsAfter.get(number, limit) as {
      last: number | null;
      rows: string;
    };
    return { rows, ...(last !== null && { last }) };
  }

  findSubscriptions({ topic, callback }: SubscriptionKeys, page: StoredPage): readonly StoredSubscription[] {
    const select = `
      SELECT id, url AS topic, callback, version, lease, pending
      FROM subscription s JOIN topic ON topic.number = s.topic`;
    const tests: Test[] = [
      ['s.topic = (SELECT number FROM topic WHERE url = ?)', topic],
      ['callback = ?', callback],
    ];
    return this.#find(select, 'id', tests, page) as StoredSubscription[];
  }

  addDeadLetters(letters: readonly DeadLetter[]): void {
    for (const letter of letters) this.#saveLetter.run(letter.id, JSON.stringify(letter));
  }

  findDeadLetters({ topic, callback, subscription }: DeadLetterKeys, page: StoredPage): readonly string[] {
    const tests: Test[] = [
      ['topic = ?', topic],
      ['callback = ?', callback],
      ['subscription = ?', subscription],
    ];
    const rows = this.#find('SELECT letter FROM dead_letter', 'id', tests, page) as { letter: string }[];
    return rows.map(({ letter }) => letter);
  }

  trimDeadLetters(before: number): number {
    return Number(this.#trimLetters.run(before).changes);
  }

  countDeadLetters(): number {
    return (this.#countLetters.get() as { letters: number }).letters;
  }

  /** The rows that pass every test whose value is given, sorted by the key, bytewise. */
  #find(select: string, key: string, tests: readonly Test[], { after, limit }: StoredPage): unknown[] {
    const given = [...tests, [`${key} > ?`, after] as const].filter(([, value]) => value !== undefined);
    const where = given.length === 0 ? '' : `WHERE ${given.map(([test]) => test).join(' AND ')}`;
    const sql = `${select} ${where} ORDER BY ${key} LIMIT ?`;
    let statement = this.#finds.get(sql);
    if (statement === undefined) this.#finds.set(sql, (statement = this.#database.prepare(sql)));
    return statement.all(...given.map(([, value]) => value!), limit);
  }
}

/** A condition, and the value it compares with; absent when it does not matter. */
type Test = readonly [sql: string, value: string | undefined];
