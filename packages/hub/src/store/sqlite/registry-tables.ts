import { crc32 } from 'node:zlib';
import type { SubscriptionKey } from '../../subscription/registry.js';
import type {
  DamagedRow,
  KnownTopic,
  LoadedTopic,
  StoredPage,
  StoredSubscription,
  StoredTopic,
  SubscriptionBatch,
  SubscriptionKeys,
  TopicKeys,
} from './commands.js';
import { Finds, type Test } from './finds.js';
import type { Database, Statement } from './sqlite-driver.js';
import type { TopicNumbers } from './topic-numbers.js';

/** A subscription as the JSON that is loaded, and that its checksum is over; null without its topic. */
const SUBSCRIPTION_TEXT = textOf('id', 'url', 'callback', 'version', 'lease', 'pending');
// A number may come from JavaScript as a REAL, whose text is another.
const SUBSCRIPTION_VALUES = textOf('?1', '?7', '?3', 'CAST(?4 AS INTEGER)', '?5', '?6');

const SELECT_SUBSCRIPTION = `
  SELECT id, url AS topic, callback, version, lease, pending
  FROM subscription s JOIN topic ON topic.number = s.topic`;

/** Topics and subscriptions as tables; runs in the store's thread, inside the transaction of the caller. */
export class RegistryTables {
  readonly #topics: TopicNumbers;
  readonly #insertTopic: Statement;
  readonly #updateTopic: Statement;
  readonly #deleteTopic: Statement;
  readonly #insertSubscription: Statement;
  readonly #updateSubscription: Statement;
  readonly #deleteSubscription: Statement;
  readonly #deletePlace: Statement;
  readonly #subscriptionsAfter: Statement;
  readonly #soundnessAfter: Statement;
  readonly #subscriptionByRequest: Statement;
  readonly #finds: Finds;

  constructor(database: Database, topics: TopicNumbers) {
    this.#finds = new Finds(database);
    this.#topics = topics;
    this.#insertTopic = database.prepare(
      'INSERT OR IGNORE INTO topic_record (record, url, version, checksum) VALUES (?1, ?2, ?3, checksum(json_array(?2, CAST(?3 AS INTEGER), ?1)))',
    );
    this.#updateTopic = database.prepare(
      `UPDATE topic_record SET record = ?1, version = ?3, checksum = checksum(json_array(?2, CAST(?3 AS INTEGER), ?1))
       WHERE url = ?2 AND version = ?3 - 1`,
    );
    this.#deleteTopic = database.prepare('DELETE FROM topic_record WHERE url = ? AND version = ?');
    // Another subscription with the same topic and callback makes these change nothing.
    this.#insertSubscription = database.prepare(`
      INSERT OR IGNORE INTO subscription (id, topic, callback, version, lease, pending, checksum)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, checksum(${SUBSCRIPTION_VALUES}))`);
    this.#updateSubscription = database.prepare(`
      UPDATE OR IGNORE subscription SET topic = ?2, callback = ?3, version = ?4, lease = ?5, pending = ?6,
        checksum = checksum(${SUBSCRIPTION_VALUES})
      WHERE id = ?1 AND version = ?4 - 1`);
    this.#deleteSubscription = database.prepare(
      'DELETE FROM subscription WHERE id = ? AND version = ? RETURNING topic',
    );
    this.#deletePlace = database.prepare('DELETE FROM place WHERE subscription = ?');
    // SQLite writes the JSON itself: one text crosses to the main thread instead of thousands of objects.
    this.#subscriptionsAfter = database.prepare(`
      SELECT max(number) AS last, group_concat(row, char(10)) AS rows, '[' || group_concat(checksum) || ']' AS checksums
      FROM (
        SELECT s.number, coalesce(${SUBSCRIPTION_TEXT}, '') AS row, checksum
        FROM subscription s LEFT JOIN topic ON topic.number = s.topic
        WHERE s.number > ? ORDER BY s.number LIMIT ?
      )`);
    this.#soundnessAfter = database.prepare(`
      SELECT s.number AS row, id AS key, coalesce(${SUBSCRIPTION_TEXT}, '') AS text, checksum
      FROM subscription s LEFT JOIN topic ON topic.number = s.topic
      WHERE s.number > ? ORDER BY s.number LIMIT ?`);
    // Two indexes, one for each side of the OR.
    this.#subscriptionByRequest = database.prepare(`
      ${SELECT_SUBSCRIPTION}
      WHERE (pending IS NOT NULL AND iif(json_valid(pending), pending ->> 'request', NULL) = ?1)
        OR (lease IS NOT NULL AND iif(json_valid(lease), lease ->> 'request', NULL) = ?1)`);
  }

  saveTopic({ url, version, record }: StoredTopic): boolean {
    // Whatever is known of has a number: known_topic begins with those.
    this.#topics.numberOf(url);
    const save = version === 1 ? this.#insertTopic : this.#updateTopic;
    return Number(save.run(record, url, version).changes) === 1;
  }

  removeTopic(url: string, version: number): boolean {
    if (Number(this.#deleteTopic.run(url, version).changes) === 0) return false;
    this.#topics.release(this.#topics.numberOf(url));
    return true;
  }

  topicsAfter(page: StoredPage): readonly LoadedTopic[] {
    const select =
      'SELECT url, version, record, checksum(json_array(url, version, record)) = checksum AS sound FROM topic_record';
    return this.#finds.all(select, 'url', [], page) as LoadedTopic[];
  }

  findKnownTopics({ topic }: TopicKeys, page: StoredPage): readonly KnownTopic[] {
    const select = 'SELECT url, version, record FROM known_topic';
    return this.#finds.all(select, 'url', [['url = ?', topic]], page) as KnownTopic[];
  }

  saveSubscription({ id, topic, callback, version, lease, pending }: StoredSubscription): boolean {
    const save = version === 1 ? this.#insertSubscription : this.#updateSubscription;
    const number = this.#topics.numberOf(topic);
    return Number(save.run(id, number, callback, version, lease, pending, topic).changes) === 1;
  }

  removeSubscription(id: string, version: number): boolean {
    const removed = this.#deleteSubscription.get(id, version) as { topic: number } | undefined;
    if (removed === undefined) return false;
    this.#deletePlace.run(id);
    this.#topics.release(removed.topic);
    return true;
  }

  subscriptionsAfter(number: number, limit: number): SubscriptionBatch {
    const { last, rows, checksums } = this.#subscriptionsAfter.get(number, limit) as {
      last: number | null;
      rows: string | null;
      checksums: string | null;
    };
    if (last === null || rows === null) return { rows: '[]', damaged: [] };
    const texts = rows.split('\n');
    const sums = JSON.parse(checksums ?? '[]') as number[];
    const sound = texts.length === sums.length && texts.every((text, index) => crc32(text) === sums[index]);
    return sound
      ? { last, rows: `[${texts.join(',')}]`, damaged: [] }
      : { last, ...this.#soundAfter(number, limit) };
  }

  /** The same, row by row: damage may have put a line break into a row. */
  #soundAfter(number: number, limit: number): Pick<SubscriptionBatch, 'rows' | 'damaged'> {
    const all = this.#soundnessAfter.all(number, limit) as (DamagedRow & {
      text: string;
      checksum: number;
    })[];
    const damaged = all.filter(({ text, checksum }) => crc32(text) !== checksum);
    const sound = all.filter((row) => !damaged.includes(row));
    return {
      rows: `[${sound.map(({ text }) => text).join(',')}]`,
      damaged: damaged.map(({ row, key }) => ({ row, key })),
    };
  }

  findSubscriptions({ topic, callback }: SubscriptionKeys, page: StoredPage): readonly StoredSubscription[] {
    const tests: Test[] = [
      ['s.topic = (SELECT number FROM topic WHERE url = ?)', topic],
      ['callback = ?', callback],
    ];
    return this.#finds.all(SELECT_SUBSCRIPTION, 'id', tests, page) as StoredSubscription[];
  }

  findSubscription(key: SubscriptionKey): StoredSubscription | undefined {
    if ('request' in key)
      return this.#subscriptionByRequest.get(key.request) as StoredSubscription | undefined;
    const [found] = this.#finds.all(SELECT_SUBSCRIPTION, 'id', [['id = ?', key.id]], { limit: 1 });
    return found as StoredSubscription | undefined;
  }
}

function textOf(
  id: string,
  url: string,
  callback: string,
  version: string,
  lease: string,
  pending: string,
): string {
  const keys = [id, url, callback].map((column) => `json_quote(${column})`).join(` || ',' || `);
  const terms = [lease, pending].map((column) => `coalesce(${column}, 'null')`).join(` || ',' || `);
  return `'[' || ${keys} || ',' || ${version} || ',' || ${terms} || ']'`;
}
