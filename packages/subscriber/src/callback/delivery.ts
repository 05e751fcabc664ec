import { reasonOf, urlForLogs, WebSubError, type Clock } from '@websub/shared';
import { mapPayload } from '../dispatch/map-payload.js';
import type { PayloadType } from '../dispatch/payload-type.js';
import { lookedAt, select, type DispatchFacts, type MatchedBy } from '../dispatch/select.js';
import { PayloadValidationError, RetryLater, SubscriptionGone } from '../errors.js';
import { Lanes } from '../lanes.js';
import type { Life } from '../lifecycle/life.js';
import type { HandlerResult, Notification, SubscriberHandlers } from '../messages.js';
import type { Service } from '../service/service.js';
import {
  isWanted,
  lineOf,
  receptionOf,
  viewOf,
  type StoredSubscription,
} from '../subscription/subscription.js';
import { acknowledge } from './acknowledge.js';
import { checkSignatures } from './check-signatures.js';
import { Dedupe } from './dedupe.js';
import { DeliveryNotification } from './delivery-notification.js';
import { answer, comeAgain, type CallbackRequest, type Outcome } from './exchange.js';
import { answerOf } from './handler-answer.js';
import { Overlap } from './overlap.js';

export interface DeliveryParts {
  readonly life: Life;
  readonly clock: Clock;
  /** Aborted when a stop no longer waits. */
  signal(): AbortSignal;
  report(error: WebSubError, notification?: Notification): void;
  /** `lookedAt`: what no rule of the service names. */
  unhandled(notification: Notification, lookedAt: readonly string[]): void;
  background(work: Promise<unknown>): void;
}

/** The method that takes a notification, and what it takes. */
interface Chosen {
  readonly method: string;
  readonly matchedBy: MatchedBy;
  readonly type: PayloadType | undefined;
}

const WAITING = 256;

/** Takes deliveries: checks them, chooses the method, runs it, and tells the hub (section 7). */
export class Delivery {
  readonly #parts: DeliveryParts;
  // By the options of a service, which all of its subscriptions share for as long as it is attached.
  readonly #lanes = new WeakMap<object, Lanes>();
  readonly #dedupes = new WeakMap<object, Dedupe>();
  readonly #overlap: Overlap;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#overlap = new Overlap(parts.clock);
  }

  async receive(
    subscription: StoredSubscription,
    service: Service,
    request: CallbackRequest,
  ): Promise<Outcome> {
    const reception = receptionOf(subscription, this.#parts.clock.now());
    if (reception !== 'take') return reception === 'gone' ? { answer: answer(410) } : { answer: answer(404) };
    const coding = request.headers.get('content-encoding') ?? 'identity';
    if (coding.trim().toLowerCase() !== 'identity') return this.#encoded(subscription, coding);
    const read = await request.readBody(service.settings.maxBodyBytes);
    if (read.kind === 'too-large')
      return { answer: answer(413, 'the body is too long', { connection: 'close' }) };
    if (read.kind === 'consumed') return this.#consumed();
    if (read.kind === 'gone') return { answer: answer(400, 'the body is not whole') };
    const signature = checkSignatures(subscription, request.headers, read.bytes, this.#parts.clock.now());
    if (signature.kind === 'invalid') return this.#badSignature(subscription, service, signature.reason);
    const { strong, timed } = signature;
    const noted = this.#parts.life.apply(subscription.id, { kind: 'delivered', strong, timed });
    const notification = new DeliveryNotification({
      subscription: viewOf(subscription),
      headers: request.headers,
      raw: read.bytes,
      signature: signature.kind,
      signal: this.#parts.signal(),
      waitUntil: (work) => this.#waitUntil(work, notification),
    });
    // It takes its place in line now: a store that is slow at times must not turn the order round.
    const handled = this.#once(subscription, service, notification, () =>
      this.#handle(subscription, service, notification, noted),
    );
    // Awaited together, so that neither fails unheard.
    const [outcome] = await Promise.all([handled, noted]);
    return outcome;
  }

  async #once(
    subscription: StoredSubscription,
    service: Service,
    notification: Notification,
    handle: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const { dedupe } = service.settings;
    const id = dedupe?.key(notification);
    if (dedupe === null || id === undefined)
      return this.#overlap.once(subscription.id, this.#twinOf(subscription), notification.raw, handle);
    const known = remembered(
      this.#dedupes,
      service.options,
      () => new Dedupe(this.#parts.clock, dedupe.ttlMs),
    );
    // The same id at another topic is another update.
    return known.once(JSON.stringify([notification.topic, id]), handle);
  }

  /** The other of two that are active while one takes over from the other. */
  #twinOf({ replacedBy, tookOverFrom }: StoredSubscription): string | undefined {
    return [replacedBy, tookOverFrom].find(
      (id) => id !== undefined && this.#parts.life.seen(id)?.state === 'active',
    );
  }

  #handle(
    subscription: StoredSubscription,
    service: Service,
    notification: DeliveryNotification,
    noted: Promise<unknown>,
  ): Promise<Outcome> {
    const { settings } = service;
    const chosen = choose(service, notification);
    if (chosen === undefined) return Promise.resolve(this.#unmatched(service, notification));
    const lanes = remembered(
      this.#lanes,
      service.options,
      () => new Lanes({ concurrency: settings.concurrency, waiting: WAITING }),
    );
    const work = lanes.run(settings.orderBy?.(notification), async () =>
      (await isStored(noted))
        ? this.#run(subscription, service, notification, chosen)
        : { answer: answer(500, 'the subscriber failed') },
    );
    if (work === undefined) return Promise.resolve({ answer: comeAgain() });
    this.#parts.background(work);
    const by = { handler: chosen.method, matchedBy: chosen.matchedBy };
    return acknowledge(work, by, settings.ack, this.#parts.clock, ({ error }) => {
      if (error instanceof RetryLater) this.#tooLate(error, chosen.method, notification);
    });
  }

  #tooLate(cause: RetryLater, method: string, notification: Notification): void {
    const error = new WebSubError(
      'retry_later',
      `${method} wants a notification again that the hub was answered 202 for already: set ack: 'handled', or a longer deadline`,
      { cause },
    );
    this.#parts.report(error, notification);
  }

  /** Never rejects: what a handler throws becomes an answer, and an `error` event. */
  async #run(
    subscription: StoredSubscription,
    service: Service,
    notification: DeliveryNotification,
    chosen: Chosen,
  ): Promise<Outcome> {
    const { method, matchedBy, type } = chosen;
    const by = { handler: method, matchedBy };
    const mapped = await mapPayload(type, notification.payload);
    if (mapped.kind === 'invalid') {
      const error = new PayloadValidationError(method, mapped.issues);
      this.#parts.report(error, notification);
      const status = service.settings.onInvalidPayload === 'ack' ? 202 : 422;
      return { ...by, answer: answer(status), error };
    }
    notification.setPayload(mapped.value);
    try {
      return { ...by, answer: answerOf(await call(service.instance, method, notification, mapped.value)) };
    } catch (thrown) {
      if (thrown instanceof SubscriptionGone) await this.#giveUp(subscription);
      return { ...by, ...this.#failed(thrown, method, notification) };
    }
  }

  /** The hub is answered 410 at this callback; one that takes over has another, and is to be ended there. */
  async #giveUp(subscription: StoredSubscription): Promise<void> {
    const { life } = this.#parts;
    await life.apply(subscription.id, { kind: 'given-up' });
    const others = life.lineWith(lineOf(subscription)).filter(isWanted);
    for (const { id } of others) await life.apply(id, { kind: 'requested', mode: 'unsubscribe' });
  }

  #failed(thrown: unknown, method: string, notification: Notification): Outcome {
    if (thrown instanceof SubscriptionGone) return { answer: answer(410), error: thrown };
    if (thrown instanceof RetryLater) return { answer: comeAgain(thrown.seconds), error: thrown };
    const error = new WebSubError('handler_failed', `${method} failed: ${reasonOf(thrown)}`, {
      cause: thrown,
    });
    this.#parts.report(error, notification);
    return { answer: answer(500, 'the subscriber failed'), error };
  }

  #unmatched({ settings, rules }: Service, notification: DeliveryNotification): Outcome {
    this.#parts.unhandled(notification, lookedAt(rules, factsOf(notification)));
    return { answer: answer(settings.onNoMatch === 'ack' ? 202 : 404), matchedBy: 'none' };
  }

  #badSignature({ topic }: StoredSubscription, { settings }: Service, reason: string): Outcome {
    // Not 410, by which a forger could end the subscription, and not 5xx, after which the hub would come again.
    const error = new WebSubError(
      'invalid_signature',
      `a delivery of ${urlForLogs(topic)} was dropped: its signature ${reason}. A hub that never signs needs secret: false`,
    );
    this.#parts.report(error);
    return { answer: answer(settings.onBadSignature === 'ack' ? 202 : 403), error };
  }

  /** WebSub has no content codings: hubs sign, and bound the length of, the body as it is. */
  #encoded({ topic }: StoredSubscription, coding: string): Outcome {
    const error = new WebSubError(
      'unsupported_media_type',
      `a delivery of ${urlForLogs(topic)} was refused: its Content-Encoding is ${coding.slice(0, 100)}. Set the hub, or what is between, not to compress`,
    );
    this.#parts.report(error);
    return {
      answer: answer(415, 'send it without Content-Encoding', {
        'accept-encoding': 'identity',
        connection: 'close',
      }),
      error,
    };
  }

  #consumed(): Outcome {
    const error = new WebSubError(
      'invalid_configuration',
      'the body of a delivery was read and parsed before it came here, so that its signature cannot be checked: ' +
        'mount the subscriber before express.json() and other body parsers',
    );
    this.#parts.report(error);
    return { answer: answer(500, 'the subscriber is not set up rightly'), error };
  }

  #waitUntil(work: Promise<unknown>, notification: Notification): void {
    this.#parts.background(
      work.catch((cause: unknown) => {
        const error = new WebSubError('handler_failed', `waitUntil: ${reasonOf(cause)}`, { cause });
        this.#parts.report(error, notification);
      }),
    );
  }
}

function choose({ instance, rules }: Service, notification: DeliveryNotification): Chosen | undefined {
  const rule = select(rules, factsOf(notification));
  if (rule !== undefined) return { method: rule.method, matchedBy: rule.level, type: rule.type };
  if (instance.onEventNotification === undefined) return undefined;
  return { method: 'onEventNotification', matchedBy: 'fallback', type: undefined };
}

function factsOf(notification: DeliveryNotification): DispatchFacts {
  return {
    topic: notification.topic,
    get payload() {
      return notification.payload;
    },
    header: (name) =>
      name.toLowerCase() === 'link'
        ? notification.links.find(({ rel }) => rel === 'self')?.href
        : notification.headers.get(name)?.trim(),
  };
}

/** Rules name only methods that the service has: compileRules. */
function call(
  instance: SubscriberHandlers & object,
  method: string,
  notification: Notification,
  payload: unknown,
): HandlerResult | Promise<HandlerResult> {
  const handlers = instance as Readonly<
    Record<string, (n: Notification, p: unknown) => HandlerResult | Promise<HandlerResult>>
  >;
  return handlers[method]?.(notification, payload);
}

/** Whoever answers the delivery is told of a failure as well, and tells it. */
function isStored(noted: Promise<unknown>): Promise<boolean> {
  return noted.then(
    () => true,
    () => false,
  );
}

function remembered<V>(map: WeakMap<object, V>, key: object, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
