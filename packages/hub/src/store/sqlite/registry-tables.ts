import type { SubscriptionKey } from '../../subscription/registry.js';
import type {
  KnownTopic,
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

const SELECT_SUBSCRIPTION = `
  SELECT id, url AS topic, callback, version, lease, pending
  FROM subscription s JOIN topic ON topic.number = s.topic`;

/** Topics and subscriptions as tables; runs in the store's thread, inside the transaction of the caller. */
export class RegistryTables {
  readonly #topics: TopicNumbers;
  readonly #insertTopic: Statement;
  readonly #updateTopic: Statement;
  readonly #insertSubscription: Statement;
  readonly #updateSubscription: Statement;
  readonly #deleteSubscription: Statement;
  readonly #deletePlace: Statement;
  readonly #subscriptionsAfter: Statement;
  readonly #subscriptionByRequest: Statement;
  readonly #finds: Finds;

  constructor(database: Database, topics: TopicNumbers) {
    this.#finds = new Finds(database);
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
    // Two indexes, one for each side of the OR.
    this.#subscriptionByRequest = database.prepare(`
      ${SELECT_SUBSCRIPTION}
      WHERE (pending IS NOT NULL AND pending ->> 'request' = ?1) OR (lease IS NOT NULL AND lease ->> 'request' = ?1)`);
  }

  saveTopic({ url, version, record }: StoredTopic): boolean {
    // Whatever is known of has a number: known_topic begins with those.
    this.#topics.numberOf(url);
    const save = version === 1 ? this.#insertTopic : this.#updateTopic;
    return Number(save.run(record, url, version).changes) === 1;
  }

  findTopics(page: StoredPage): readonly StoredTopic[] {
    return this.#finds.all('SELECT url, version, record FROM topic_record', 'url', [], page) as StoredTopic[];
  }

  findKnownTopics({ topic }: TopicKeys, page: StoredPage): readonly KnownTopic[] {
    const select = 'SELECT url, version, record FROM known_topic';
    return this.#finds.all(select, 'url', [['url = ?', topic]], page) as KnownTopic[];
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
