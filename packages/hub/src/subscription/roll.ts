import { Topic } from '../topic/topic.js';
import { newTopicRecord } from '../topic/topic-record.js';
import { callbackHost } from './callback-host.js';
import type { Recipient } from './recipient.js';
import { tenantOfSubscription } from './subscription.js';

/** Who is who in memory: topics by URL, recipients by topic and callback, their number by host. */
export class Roll {
  readonly topics = new Map<string, Topic>();
  readonly #byHost = new Map<string, { readonly name: string; count: number }>();
  readonly #byTenant = new Map<string, number>();
  /** Recipients whose callback is to be asked or told something, by host. */
  readonly #pending = new Map<string, Set<Recipient>>();
  #recipients = 0;

  get recipientCount(): number {
    return this.#recipients;
  }

  recipientsOf(host: string): number {
    return this.#byHost.get(host)?.count ?? 0;
  }

  /** The host of a callback: one string for all recipients that share it. */
  hostOf(callback: string): string {
    const name = callbackHost(callback);
    return this.#byHost.get(name)?.name ?? name;
  }

  /** Recipients of this host whose callback is still to be asked or told something. */
  pendingOf(host: string): number {
    return this.#pending.get(host)?.size ?? 0;
  }

  recipientsOfTenant(tenant: string): number {
    return this.#byTenant.get(tenant) ?? 0;
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
    const host = this.#byHost.get(recipient.host);
    if (host === undefined) this.#byHost.set(recipient.host, { name: recipient.host, count: 1 });
    else host.count++;
    this.#recipients++;
    this.count(recipient);
  }

  remove(recipient: Recipient): void {
    if (!recipient.topic.recipients.delete(recipient.subscription.callback)) return;
    const host = this.#byHost.get(recipient.host);
    if (host !== undefined && --host.count === 0) this.#byHost.delete(recipient.host);
    if (recipient.tenant !== null) change(this.#byTenant, recipient.tenant, -1);
    recipient.tenant = null;
    this.#settled(recipient);
    this.#recipients--;
    this.forgetIfUnused(recipient.topic);
  }

  /** Counts the recipient as its subscription is now: for a tenant, and as pending. */
  count(recipient: Recipient): void {
    this.#countTenant(recipient);
    if (recipient.subscription.pending === null) {
      this.#settled(recipient);
      return;
    }
    const pending = this.#pending.get(recipient.host);
    if (pending === undefined) this.#pending.set(recipient.host, new Set([recipient]));
    else pending.add(recipient);
  }

  #settled(recipient: Recipient): void {
    const pending = this.#pending.get(recipient.host);
    if (pending?.delete(recipient) === true && pending.size === 0) this.#pending.delete(recipient.host);
  }

  #countTenant(recipient: Recipient): void {
    const tenant = tenantOfSubscription(recipient.subscription);
    if (tenant === recipient.tenant) return;
    if (recipient.tenant !== null) change(this.#byTenant, recipient.tenant, -1);
    if (tenant !== null) change(this.#byTenant, tenant, 1);
    recipient.tenant = tenant;
  }

  /** A topic that nobody wants and of which nothing is stored need not be remembered. */
  forgetIfUnused(topic: Topic): void {
    const { recipients, record, fetching, changing } = topic;
    if (recipients.size === 0 && record.version === 0 && !fetching && !changing)
      this.topics.delete(topic.url);
  }
}

function change(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
