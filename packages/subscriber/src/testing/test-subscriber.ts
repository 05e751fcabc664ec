import {
  formatLinkHeader,
  FORM_CONTENT_TYPE,
  intentUrl,
  sign,
  systemRandom,
  TestClock,
  type IntentQuery,
  type SubscribeRequest,
  type UnsubscribeRequest,
  type WebSubError,
} from '@websub/shared';
import type { CallbackRequest, Outcome } from '../callback/exchange.js';
import { fromFetch } from '../callback/web-fetch.js';
import type { MatchedBy } from '../dispatch/select.js';
import { createEngine, type Engine } from '../engine.js';
import type { SubscriptionView } from '../messages.js';
import type { SubscriberServiceOptions } from '../service/options.js';
import { readService } from '../service/read-service.js';
import type { Service } from '../service/service.js';
import { viewsOf, type StoredSubscription } from '../subscription/subscription.js';
import { HUB, InProcessHub } from './in-process-hub.js';

export interface TestSubscriberOptions<T> {
  /** For the constructor. */
  readonly args?: readonly unknown[];
  /** Instead of `new`. */
  readonly instance?: T;
  /** Override those of the class's decorator. */
  readonly config?: SubscriberServiceOptions;
  /** Where the clock begins. Default: the first of January 2026. */
  readonly now?: Date;
}

export interface NotifyOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: JSON, but for text, bytes and `URLSearchParams`. */
  readonly contentType?: string;
  /** Default `'valid'`: by sha256, if the subscription has a secret. */
  readonly sign?: 'valid' | 'invalid' | 'missing' | 'sha512';
  /** Which of several topics. Default: the first target's. */
  readonly topic?: string;
}

/** What a hub would be answered, and how it came about. */
export interface NotifyResult {
  readonly status: number;
  readonly body: string;
  /** The method that ran, or would have taken it. */
  readonly handler: string | undefined;
  readonly matchedBy: MatchedBy;
  readonly error?: WebSubError;
}

/** A subscriber in a test: the real one, with a hub in this process and with time that stands still. */
export interface TestSubscriber<T extends object> extends AsyncDisposable {
  readonly service: T;
  /** As they stand now: one for each target, and those that ended less than a day ago. */
  readonly subscriptions: readonly SubscriptionView[];
  /** The hub asks for the intent. Default: that of the pending request, with the subscription's topic. */
  verify(options?: {
    readonly mode?: 'subscribe' | 'unsubscribe';
    readonly topic?: string;
    readonly leaseSeconds?: number;
  }): Promise<{ readonly status: number; readonly body: string }>;
  /** The hub denies the subscription. */
  deny(options?: { readonly reason?: string; readonly topic?: string }): Promise<{ readonly status: number }>;
  /** The hub delivers; a subscription that it has not verified yet it verifies first. */
  notify(payload: unknown, options?: NotifyOptions): Promise<NotifyResult>;
  /** Moves time on. Renewals that fall due are made, and verified as the first request was. */
  advance(ms: number): Promise<void>;
  /** Settles when handlers that were answered for early, and `waitUntil` work, are done. */
  idle(): Promise<void>;
  /** Stops the subscriber: handlers still at work are told by their signal. */
  [Symbol.asyncDispose](): Promise<void>;
}

type Intent = Exclude<IntentQuery, { readonly mode: 'denied' }>;
type Mode = Intent['mode'];

const TARGET = [HUB, 'https://publisher.test/topic'] as const;
const PUBLIC_URL = 'https://subscriber.test/';
const LEASE_SECONDS = 864_000;

/**
 * Puts a subscriber class into a test. No socket is opened; what is run is what runs in production. Rejects with a
 * `ConfigurationError` as `attach` does.
 */
export async function testSubscriber<T extends object>(
  type: new (...args: never[]) => T,
  options: TestSubscriberOptions<T> = {},
): Promise<TestSubscriber<T>> {
  const service = options.instance ?? Reflect.construct(type, options.args ?? []);
  // A service that subscribes at run time, or is told its targets when it is attached, can be notified as well.
  const config = { ...options.config, subscribeOnStartUp: true };
  const read = readService(service, config);
  const withTarget =
    read.settings.targets.length > 0 ? read : readService(service, { ...config, target: TARGET });
  const bench = new TestBench(service, withTarget, new TestClock(options.now));
  await bench.start();
  return bench;
}

class TestBench<T extends object> implements TestSubscriber<T> {
  readonly service: T;
  readonly #service: Service;
  readonly #clock: TestClock;
  readonly #engine: Engine;
  readonly #abort = new AbortController();
  /** What was granted, by callback; the hub grants it again. */
  readonly #granted = new Map<string, number>();

  constructor(service: T, read: Service, clock: TestClock) {
    this.service = service;
    this.#service = read;
    this.#clock = clock;
    const http = new InProcessHub((request) => this.#asked(request));
    const silent = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    };
    this.#engine = createEngine(
      { logger: silent, ports: { clock, http } },
      {
        services: () => [read],
        publicUrl: () => PUBLIC_URL,
        isOpen: () => true,
        signal: () => this.#abort.signal,
      },
    );
  }

  get subscriptions(): readonly SubscriptionView[] {
    return viewsOf(this.#engine.life.known);
  }

  async start(): Promise<void> {
    this.#engine.agenda.start();
    const { failed } = await this.#engine.startUp.begin(this.#service);
    const [first] = failed;
    if (first !== undefined) throw first.error;
  }

  async verify(options: { mode?: Mode; topic?: string; leaseSeconds?: number } = {}): Promise<{
    readonly status: number;
    readonly body: string;
  }> {
    const subscription = this.#subscription();
    const mode = options.mode ?? subscription.pending ?? 'subscribe';
    const leaseSeconds = options.leaseSeconds ?? subscription.leaseSeconds ?? LEASE_SECONDS;
    const { answer } = await this.#verify(subscription, mode, leaseSeconds, options.topic);
    return { status: answer.status, body: answer.body };
  }

  async deny({ reason, topic }: { readonly reason?: string; readonly topic?: string } = {}): Promise<{
    readonly status: number;
  }> {
    const subscription = this.#subscription();
    const why = reason === undefined ? {} : { reason };
    const { answer } = await this.#ask(subscription, {
      mode: 'denied',
      topic: topic ?? subscription.topic,
      ...why,
    });
    return { status: answer.status };
  }

  async notify(payload: unknown, options: NotifyOptions = {}): Promise<NotifyResult> {
    const subscription = this.#subscription(options.topic);
    if (subscription.state === 'pending') {
      await this.#verify(subscription, 'subscribe', subscription.leaseSeconds ?? LEASE_SECONDS);
    }
    const { body, contentType } = encode(payload, options.contentType);
    const signature = signatureOf(body, subscription.secrets[0], options.sign ?? 'valid');
    const { hub, topic: self, callback } = subscription;
    const link = formatLinkHeader([
      { rel: 'hub', href: hub },
      { rel: 'self', href: self },
    ]);
    const headers = new Headers({ 'content-type': contentType, link });
    if (signature !== undefined) headers.set('x-hub-signature', signature);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    const request = new Request(callback, { method: 'POST', headers, body: new Blob([body]) });
    const { answer, handler, matchedBy, error } = await this.#handle(fromFetch(request));
    return {
      status: answer.status,
      body: answer.body,
      handler,
      matchedBy: matchedBy ?? 'none',
      ...(error === undefined ? {} : { error }),
    };
  }

  async advance(ms: number): Promise<void> {
    await this.#clock.advance(ms);
  }

  idle(): Promise<void> {
    return this.#engine.tasks.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#engine.startUp.stop();
    this.#engine.agenda.stop();
    this.#abort.abort();
    await this.#engine.egress.close();
  }

  /** The newest that does not yet give way to another. */
  #subscription(topic?: string): StoredSubscription {
    const known = this.#engine.life.known.filter(({ replacedBy }) => replacedBy === undefined);
    const found = known.find((subscription) => topic === undefined || subscription.topic === topic);
    if (found === undefined)
      throw new Error(`there is no subscription${topic === undefined ? '' : ` to ${topic}`}`);
    return found;
  }

  /** Hubs verify on their own; this one does once it has verified before. */
  #asked({ mode, callback }: SubscribeRequest | UnsubscribeRequest): void {
    const subscription = this.#engine.life.known.find((one) => one.callback === callback);
    const granted = this.#granted.get(callback) ?? this.#grantedBefore(subscription);
    if (subscription === undefined || granted === undefined) return;
    this.#engine.tasks.run(this.#verify(subscription, mode, granted));
  }

  #grantedBefore(subscription: StoredSubscription | undefined): number | undefined {
    const old = this.#engine.life.known.find(({ id }) => id === subscription?.replaces);
    return old === undefined ? undefined : this.#granted.get(old.callback);
  }

  async #verify(
    subscription: StoredSubscription,
    mode: Mode,
    leaseSeconds: number,
    topic = subscription.topic,
  ): Promise<Outcome> {
    const challenge = systemRandom.token(32);
    const lease = mode === 'subscribe' ? { leaseSeconds } : {};
    const outcome = await this.#ask(subscription, { mode, topic, challenge, ...lease });
    if (outcome.answer.status === 200) this.#granted.set(subscription.callback, leaseSeconds);
    return outcome;
  }

  #ask({ callback }: StoredSubscription, query: IntentQuery): Promise<Outcome> {
    return this.#handle(fromFetch(new Request(intentUrl(callback, query))));
  }

  async #handle(request: CallbackRequest): Promise<Outcome> {
    const outcome = await this.#engine.endpoint.handle(request);
    if (outcome === undefined) throw new Error(`${request.url} is no callback`);
    return outcome;
  }
}

function encode(
  payload: unknown,
  contentType?: string,
): { readonly body: Uint8Array<ArrayBuffer>; readonly contentType: string } {
  if (payload instanceof Uint8Array)
    return { body: new Uint8Array(payload), contentType: contentType ?? 'application/octet-stream' };
  if (payload instanceof URLSearchParams) {
    return { body: bytesOf(payload.toString()), contentType: contentType ?? FORM_CONTENT_TYPE };
  }
  if (typeof payload === 'string') {
    return { body: bytesOf(payload), contentType: contentType ?? 'text/plain; charset=utf-8' };
  }
  return { body: bytesOf(JSON.stringify(payload)), contentType: contentType ?? 'application/json' };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function signatureOf(
  body: Uint8Array,
  secret: string | undefined,
  how: NonNullable<NotifyOptions['sign']>,
): string | undefined {
  if (how === 'missing' || secret === undefined) return undefined;
  if (how === 'invalid') return sign(body, `${secret} of somebody else`);
  return sign(body, secret, how === 'sha512' ? 'sha512' : 'sha256');
}
