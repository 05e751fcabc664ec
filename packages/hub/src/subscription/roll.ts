import { Topic } from '../topic/topic.js';
import { newTopicRecord } from '../topic/topic-record.js';
import type { Recipient } from './recipient.js';

/** Who is who in memory: topics by URL, recipients by topic and callback, their number by host. */
export class Roll {
  readonly topics = new Map<string, Topic>();
  readonly #byHost = new Map<string, number>();
  #recipients = 0;

  get recipientCount(): number {
    return this.#recipients;
  }

  recipientsOf(host: string): number {
    return this.#byHost.get(host) ?? 0;
  }

  /** The topic, entered when it is new. */
  topic(url: string): Topic {
    let topic = this.topics.get(url);
    if (topic === undefined) {
      topic = new Topic(newTopicRecord(url));
      this.topics.set(url, topic);
    }
    return topic;
  }

  find(topic: string, callback: string): Recipient | undefined {
    return this.topics.get(topic)?.recipients.get(callback);
  }

  add(recipient: Recipient): void {
    const { recipients } = recipient.topic;
    if (recipients.has(recipient.subscription.callback)) return;
    recipients.set(recipient.subscription.callback, recipient);
    this.#byHost.set(recipient.host, this.recipientsOf(recipient.host) + 1);
    this.#recipients++;
  }

  remove(recipient: Recipient): void {
    if (!recipient.topic.recipients.delete(recipient.subscription.callback)) return;
    const left = this.recipientsOf(recipient.host) - 1;
    if (left > 0) this.#byHost.set(recipient.host, left);
    else this.#byHost.delete(recipient.host);
    this.#recipients--;
    this.forgetIfUnused(recipient.topic);
  }

  /** A topic that nobody wants and of which nothing is stored need not be remembered. */
  forgetIfUnused(topic: Topic): void {
    const { recipients, record, fetching } = topic;
    if (recipients.size === 0 && record.version === 0 && !fetching) this.topics.delete(topic.url);
  }
}
