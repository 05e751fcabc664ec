import { WebSubError } from '@websub/shared';
import type { Registry } from '../subscription/registry.js';
import type { Roll } from '../subscription/roll.js';
import type { Topic } from '../topic/topic.js';
import { newTopicRecord, type TopicPolicy, type TopicRecord } from '../topic/topic-record.js';
import { InOrder } from './in-order.js';

export interface TopicRecordsOptions {
  readonly registry: Pick<Registry, 'saveTopic' | 'removeTopic'>;
  readonly roll: Roll;
  /** The topic may want attention at another time. */
  readonly onChange: (topic: Topic) => void;
}

/** Changes what is durable of topics: for each topic one change after the other. */
export class TopicRecords {
  readonly #options: TopicRecordsOptions;
  readonly #inOrder = new InOrder();

  constructor(options: TopicRecordsOptions) {
    this.#options = options;
  }

  /** Runs the action in its turn, with the topic, which is entered when it is new; settles as the action does. */
  change(url: string, action: (topic: Topic) => Promise<void>): Promise<void> {
    const { roll } = this.#options;
    return this.#inOrder.run(url, async () => {
      const topic = roll.topic(url);
      topic.changing = true;
      try {
        await action(topic);
      } finally {
        topic.changing = false;
        roll.forgetIfUnused(topic);
      }
    });
  }

  /** Announces or withdraws a topic; settles when that is durable. */
  setRegistered(url: string, registered: boolean): Promise<void> {
    return this.change(url, async (topic) => {
      if (topic.record.registered !== registered) await this.save(topic, { ...topic.record, registered });
    });
  }

  /** Sets what callbacks are owed that were away; settles when that is durable. */
  setPolicy(url: string, policy: TopicPolicy): Promise<void> {
    return this.change(url, async (topic) => {
      if (topic.policy !== policy) await this.save(topic, { ...topic.record, policy });
    });
  }

  /** Within {@link change}: settles when the record is durable and in force. */
  async save(topic: Topic, record: TopicRecord): Promise<void> {
    const next = { ...record, version: topic.record.version + 1 };
    if (!(await this.#options.registry.saveTopic(next))) {
      throw new WebSubError(
        'store_failed',
        'a topic was changed by another process: run one hub per data folder',
      );
    }
    topic.record = next;
    this.#options.onChange(topic);
  }

  /**
   * Forgets the topic, unless it may not go any more when its turn has come; settles with whether it went. Who subscribes
   * meanwhile has the topic as if it were new.
   */
  forget(url: string, mayGo: (topic: Topic) => boolean): Promise<boolean> {
    const { registry, roll } = this.#options;
    return this.#inOrder.run(url, async () => {
      const topic = roll.topics.get(url);
      if (topic === undefined || !mayGo(topic)) return false;
      if (!(await registry.removeTopic(topic.record))) return false;
      topic.record = newTopicRecord(topic.url);
      roll.forgetIfUnused(topic);
      return true;
    });
  }
}
