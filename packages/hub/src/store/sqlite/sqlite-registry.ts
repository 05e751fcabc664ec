import type {
  DeadLetter,
  DeadLetterBounds,
  DeadLetterFilter,
  Page,
  Registry,
  SubscriptionFilter,
  SubscriptionKey,
} from '../../subscription/registry.js';
import { stateOf, type Lease, type Pending, type Subscription } from '../../subscription/subscription.js';
import { newTopicRecord, type TopicRecord } from '../../topic/topic-record.js';
import {
  DEAD_LETTERS_AT_ONCE,
  ROWS_AT_ONCE,
  type AskedRedelivery,
  type LoadedTopic,
  type StoredSubscription,
  type KnownTopic,
} from './commands.js';
import type { Quarantine } from './quarantine.js';
import { readOn } from './read-on.js';
import type { StoreThread } from './store-thread.js';

type SubscriptionRow = [
  id: string,
  topic: string,
  callback: string,
  version: number,
  lease: Lease | null,
  pending: Pending | null,
];

/** Topics, subscriptions and dead letters in SQLite. */
export class SqliteRegistry implements Registry {
  readonly #thread: StoreThread;
  readonly #quarantine: Quarantine;

  constructor(thread: StoreThread, quarantine: Quarantine) {
    this.#thread = thread;
    this.#quarantine = quarantine;
  }

  async *loadTopics(): AsyncIterable<readonly TopicRecord[]> {
    const topics = this.#quarantine.soundRows<LoadedTopic>(
      'topic_record',
      (last) => this.#thread.call('topicsAfter', [{ after: last?.url, limit: ROWS_AT_ONCE }]),
      ({ url }) => ({ row: url, key: url }),
    );
    for await (const batch of topics) yield batch.map(topicOf);
  }

  async *loadSubscriptions(): AsyncIterable<readonly Subscription[]> {
    // Most subscriptions share their topic with others: one text for each, not one for each subscription.
    const topics = new Map<string, string>();
    const batches = readOn((after) => this.#thread.call('subscriptionsAfter', [after, ROWS_AT_ONCE]));
    for await (const { rows, damaged } of batches) {
      await this.#quarantine.add('subscription', damaged);
      yield (JSON.parse(rows) as SubscriptionRow[]).map(([id, url, callback, version, lease, pending]) => {
        const topic = topics.get(url) ?? url;
        if (topic === url) topics.set(url, url);
        return { id, topic, callback, version, lease, pending };
      });
    }
  }

  saveTopic({ url, version, ...record }: TopicRecord): Promise<boolean> {
    return this.#thread.call('saveTopic', [{ url, version, record: JSON.stringify(record) }]);
  }

  removeTopic({ url, version }: TopicRecord): Promise<boolean> {
    return this.#thread.call('removeTopic', [url, version]);
  }

  saveSubscription({ id, topic, callback, version, lease, pending }: Subscription): Promise<boolean> {
    return this.#thread.call('saveSubscription', [
      { id, topic, callback, version, lease: jsonOrNull(lease), pending: jsonOrNull(pending) },
    ]);
  }

  removeSubscription({ id, version }: Subscription): Promise<boolean> {
    return this.#thread.call('removeSubscription', [id, version]);
  }

  async listTopics(filter: { readonly topic?: string }, page: Page): Promise<readonly TopicRecord[]> {
    return (await this.#thread.call('findKnownTopics', [filter, page])).map(topicOf);
  }

  async listSubscriptions(filter: SubscriptionFilter, page: Page): Promise<readonly Subscription[]> {
    const { state, now, ...keys } = filter;
    const found: Subscription[] = [];
    let { after } = page;
    // The state depends on the time, so it is no condition of a statement. Each round goes on behind the last row.
    while (found.length < page.limit) {
      const limit = state === undefined ? page.limit : Math.max(page.limit, ROWS_AT_ONCE);
      const rows = await this.#thread.call('findSubscriptions', [keys, { after, limit }]);
      const subscriptions = rows.map(subscriptionOf);
      found.push(...subscriptions.filter((one) => state === undefined || stateOf(one, now) === state));
      if (rows.length < limit) break;
      after = rows.at(-1)!.id;
    }
    return found.slice(0, page.limit);
  }

  async findSubscription(key: SubscriptionKey): Promise<Subscription | undefined> {
    const found = await this.#thread.call('findSubscription', [key]);
    return found === undefined ? undefined : subscriptionOf(found);
  }

  addDeadLetters(letters: readonly DeadLetter[], kept: DeadLetterBounds): Promise<number> {
    return this.#thread.call('addDeadLetters', [letters, kept]);
  }

  listDeadLetters(filter: DeadLetterFilter, page: Page): Promise<readonly DeadLetter[]> {
    return this.#thread.call('findDeadLetters', [filter, page]);
  }

  async findDeadLetter(id: string): Promise<DeadLetter | undefined> {
    return (await this.#thread.call('findDeadLetters', [{ id }, { limit: 1 }]))[0];
  }

  removeDeadLetter(id: string): Promise<void> {
    return this.#thread.call('removeDeadLetter', [id]);
  }

  async askRedelivery(filter: DeadLetterFilter | { readonly id: string }, at: number): Promise<number> {
    let asked = 0;
    // Each round goes on behind the last letter, so this ends.
    for (let after: string | undefined = ''; after !== undefined;) {
      const round: AskedRedelivery = await this.#thread.call('askRedelivery', [filter, at, after]);
      asked += round.asked;
      after = round.last;
    }
    return asked;
  }

  listRedeliveries(after: string, limit: number, each: number): Promise<readonly DeadLetter[]> {
    return this.#thread.call('listRedeliveries', [after, limit, each]);
  }

  async trimDeadLetters(before: number): Promise<number> {
    let removed = 0;
    // Each full round has removed letters, and new ones are younger: this ends.
    for (;;) {
      const round = await this.#thread.call('trimDeadLetters', [before]);
      removed += round;
      if (round < DEAD_LETTERS_AT_ONCE) return removed;
    }
  }

  countDeadLetters(): Promise<number> {
    return this.#thread.call('countDeadLetters', []);
  }
}

function topicOf({ url, version, record }: KnownTopic): TopicRecord {
  if (record === null) return newTopicRecord(url);
  return { url, version, ...(JSON.parse(record) as Omit<TopicRecord, 'url' | 'version'>) };
}

function subscriptionOf({ lease, pending, ...keys }: StoredSubscription): Subscription {
  return {
    ...keys,
    lease: lease === null ? null : (JSON.parse(lease) as Lease),
    pending: pending === null ? null : (JSON.parse(pending) as Pending),
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
