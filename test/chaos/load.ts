import { createHmac } from 'node:crypto';
import { startCallbacks, type Callback, type Delivered } from '../support/callbacks.js';
import type { HubProcess } from '../support/hub-process.js';
import { linksOf } from '../support/http.js';
import { manage } from '../support/manage.js';
import { ping, publish, subscribe, unsubscribe } from '../support/requests.js';
import { startTopics, type Topic } from '../support/topics.js';
import { until } from '../support/until.js';
import type { HistoryEvent, How, Mode } from './history.js';

/** A stream of numbers in [0, 1) that a seed determines (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Feed {
  readonly name: string;
  readonly url: string;
  readonly how: How;
  readonly topic: Topic | undefined;
  unordered: boolean;
  seq: number;
}

interface Follower {
  readonly name: string;
  readonly callback: Callback;
  readonly feed: Feed;
  readonly secret: string;
}

// Pads bodies to sizes that cross buffers, and lets a torn or mixed-up one be recognised.
const PADDING = 2_000;

/** Publishers, callbacks and subscribers around one hub, who write down all that happens to them. */
export class Load {
  readonly history: HistoryEvent[] = [];
  /** Told of each event as it is written down. */
  onEvent: (event: HistoryEvent) => void = () => undefined;
  readonly followers: Follower[] = [];
  readonly #hub: HubProcess;
  readonly #random: () => number;
  readonly #callbacks: Awaited<ReturnType<typeof startCallbacks>>;
  readonly #topics: Awaited<ReturnType<typeof startTopics>>;
  readonly #working: Promise<void>[] = [];
  #deliveries = 0;
  #stopped = false;

  private constructor(
    hub: HubProcess,
    random: () => number,
    callbacks: Awaited<ReturnType<typeof startCallbacks>>,
    topics: Awaited<ReturnType<typeof startTopics>>,
  ) {
    this.#hub = hub;
    this.#random = random;
    this.#callbacks = callbacks;
    this.#topics = topics;
  }

  static async start(hub: HubProcess, random: () => number): Promise<Load> {
    return new Load(hub, random, await startCallbacks(), await startTopics(hub.url));
  }

  note(event: HistoryEvent): void {
    this.history.push(event);
    this.onEvent(event);
  }

  feed(name: string, how: How): Feed {
    const topic = this.#topics.topic();
    const feed: Feed = { name, url: topic.url, how, topic, unordered: false, seq: 0 };
    if (how === 'ping') topic.body = bodyOf(name, 0);
    return feed;
  }

  follower(name: string, feed: Feed): Follower {
    const callback = this.#callbacks.callback();
    const follower: Follower = { name, callback, feed, secret: `secret of ${name}` };
    callback.onIntent = ({ mode, challenge }) => ({
      status: 200,
      body: challenge,
      sent: () => {
        if (mode === 'subscribe' || mode === 'unsubscribe') {
          this.note({ kind: 'intent-confirmed', at: performance.now(), subscription: name, mode });
        }
      },
    });
    callback.onDelivery = (delivery) => this.#receive(follower, delivery);
    this.followers.push(follower);
    return follower;
  }

  async #receive(follower: Follower, received: Delivered) {
    const delivery = ++this.#deliveries;
    const [topic = '', seq = ''] = received.text.split(' ', 2);
    this.note({
      kind: 'received',
      at: received.at,
      delivery,
      subscription: follower.name,
      topic,
      seq: Number(seq),
      id: received.headers['webhook-id'] ?? '',
      intact: this.#isIntact(follower, received, topic, Number(seq)),
    });
    // So that several are in flight.
    if (follower.feed.unordered) await this.pause(this.#random() * 40);
    // A few answers fail, so that retries are under way at each kill.
    const status = this.#random() < 0.02 ? 500 : 204;
    return { status, sent: () => this.note({ kind: 'answered', at: performance.now(), delivery, status }) };
  }

  #isIntact(
    { feed, secret }: Follower,
    { text, body, headers }: Delivered,
    topic: string,
    seq: number,
  ): boolean {
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const self = linksOf(headers['link']).find(({ rels }) => rels.includes('self'))?.href;
    return text === bodyOf(topic, seq) && headers['x-hub-signature'] === signature && self === feed.url;
  }

  /** Lets the hub deliver the feed without order, several updates at a time. */
  async unorder(feed: Feed): Promise<void> {
    const path = `/topics/${encodeURIComponent(feed.url)}/policy`;
    const { status, text } = await manage(this.#hub, 'PUT', path, { policy: 'unordered' });
    if (status !== 200) throw new Error(`the policy was answered ${status}: ${text}`);
    feed.unordered = true;
  }

  /** One request of a subscriber, tried until the hub has answered; at most until the load ends. */
  async intend({ name, callback, feed, secret }: Follower, mode: Mode): Promise<void> {
    while (!this.#stopped) {
      this.note({ kind: 'intent-asked', at: performance.now(), subscription: name, mode });
      const answer = await this.#attempt(() =>
        mode === 'subscribe'
          ? subscribe(this.#hub, callback.url, feed.url, { 'hub.secret': secret })
          : unsubscribe(this.#hub, callback.url, feed.url),
      );
      if (answer?.status === 202) {
        this.note({ kind: 'intent-accepted', at: performance.now(), subscription: name, mode });
        return;
      }
    }
  }

  /** Offers the next update of a feed, once; what is not answered stays unknown. */
  async update(feed: Feed): Promise<boolean> {
    const seq = ++feed.seq;
    const body = bodyOf(feed.name, seq);
    if (feed.how === 'ping' && feed.topic !== undefined) feed.topic.body = body;
    this.note({ kind: 'publish-asked', at: performance.now(), topic: feed.name, seq, how: feed.how });
    const answer = await this.#attempt(() =>
      feed.how === 'ping' ? ping(this.#hub, feed.url) : publish(this.#hub, feed.url, body),
    );
    if (answer?.status !== 202) return false;
    this.note({ kind: 'publish-accepted', at: performance.now(), topic: feed.name, seq });
    return true;
  }

  /** Publishes to the feed, with pauses of up to `mostMs`, until the load is stopped. */
  keepPublishing(feed: Feed, mostMs: number): void {
    this.#working.push(
      (async () => {
        while (!this.#stopped) {
          await this.update(feed);
          await this.pause(this.#random() * mostMs);
        }
      })(),
    );
  }

  /** Subscribes and unsubscribes in turn until the load is stopped; unsubscribed at the end. */
  keepChanging(follower: Follower, mostMs: number): void {
    this.#working.push(
      (async () => {
        while (!this.#stopped) {
          await this.#intendAndConfirm(follower, 'subscribe');
          await this.pause(this.#random() * mostMs);
          await this.#intendAndConfirm(follower, 'unsubscribe');
          await this.pause(this.#random() * mostMs);
        }
      })(),
    );
  }

  async #intendAndConfirm(follower: Follower, mode: Mode): Promise<void> {
    const before = follower.callback.verifications(mode).length;
    await this.intend(follower, mode);
    // A kill may have made the confirmation a matter of luck: then the next request says what is wanted.
    await until(
      'it is verified',
      () => this.#stopped || follower.callback.verifications(mode).length > before,
      15_000,
    ).catch(() => undefined);
  }

  /** Ends the work and waits for what is under way. */
  async stopWorking(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#working);
    this.#stopped = false;
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#callbacks.close(), this.#topics.close()]);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** `undefined` when no answer came; then the next attempt waits until the hub serves again. */
  async #attempt<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await request();
    } catch {
      await until('the hub serves again', () => this.#hub.serving || this.#stopped, 30_000);
      return undefined;
    }
  }
}

function bodyOf(topic: string, seq: number): string {
  return `${topic} ${seq} ${`${topic}/${seq};`.repeat(PADDING / 10).slice(0, (seq * 37) % PADDING)}`;
}
