import { WebSubError } from '@websub/shared';
import { isWithin, type Consumer, type Owner } from '../consumer/consumer.js';
import { KeptConsumer } from './kept-consumer.js';
import type { Selection } from './selection.js';
import { tally } from './tally.js';

const MOST_CONSUMERS = 100_000;
const MOST_OF_ONE_OWNER = 1_000;
/** Of clients that no credential names, so that they cannot take the room of all others. */
const MOST_OF_ANYBODY = MOST_CONSUMERS / 2;
const LONGEST_TOPICS = 4_096;

/** Which consumers there are, by id, by owner and by topic; bounded (LAW 8). */
export class ConsumerIndex implements Iterable<KeptConsumer> {
  readonly #all = new Map<string, KeptConsumer>();
  readonly #perOwner = new Map<string, number>();
  readonly #perTopic = new Map<string, number>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<KeptConsumer> {
    return this.#all.values();
  }

  find(id: string): KeptConsumer | undefined {
    return this.#all.get(id);
  }

  /** Whether it is there still, and not another one of its id. */
  has(consumer: KeptConsumer): boolean {
    return this.#all.get(consumer.id) === consumer;
  }

  /** Whether a consumer read the topic when it was used last. */
  areOf(topic: string): boolean {
    return this.#perTopic.has(topic);
  }

  /** By id, of one owner or of all. */
  list(
    owner: Owner | undefined,
    page: { readonly limit: number; readonly after?: string },
  ): readonly KeptConsumer[] {
    return [...this]
      .filter((one) => one.id > (page.after ?? '') && (owner === undefined || isWithin(one.owner, owner)))
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .slice(0, page.limit);
  }

  add(consumer: Consumer): KeptConsumer {
    const kept = new KeptConsumer(consumer);
    this.#all.set(kept.id, kept);
    this.#count(kept, 1);
    return kept;
  }

  /** Harmless when it is not there. */
  forget(consumer: KeptConsumer): void {
    if (!this.has(consumer)) return;
    this.#all.delete(consumer.id);
    this.#count(consumer, -1);
  }

  /** Notes what the consumer follows from now on, unless that is too long to be kept. */
  follow(consumer: KeptConsumer, { topics, patterns }: Selection): void {
    if (!this.has(consumer)) return;
    const length = [...topics, ...patterns].reduce((sum, text) => sum + text.length, 0);
    const isKept = length <= LONGEST_TOPICS;
    this.#count(consumer, -1);
    consumer.topics = isKept ? topics : [];
    consumer.patterns = isKept ? patterns : [];
    this.#count(consumer, 1);
  }

  /** Throws `retry_later` when the owner may not have one more. */
  refuseTooMany(owner: Owner): void {
    const isAnybodys = owner.tenant === null && /^(client|channel):/.test(owner.holder);
    if (this.#all.size >= (isAnybodys ? MOST_OF_ANYBODY : MOST_CONSUMERS))
      throw new WebSubError('retry_later', 'there are too many consumers: remove some, or try again later');
    if ((this.#perOwner.get(keyOf(owner)) ?? 0) >= MOST_OF_ONE_OWNER)
      throw new WebSubError(
        'retry_later',
        `there are ${MOST_OF_ONE_OWNER} consumers of yours: use names again, or remove some`,
      );
  }

  #count({ owner, topics }: KeptConsumer, step: 1 | -1): void {
    tally(this.#perOwner, keyOf(owner), step);
    for (const topic of topics) tally(this.#perTopic, topic, step);
  }
}

function keyOf({ tenant, holder }: Owner): string {
  return JSON.stringify([tenant, holder]);
}
