import { parseLinkHeader, WebSubError } from '@websub/shared';
import { parsePayload, textOf } from '../dispatch/parse-payload.js';
import { linksByRel, type Notification, type SubscriptionView } from '../messages.js';

/** A delivery whose body and signature were checked. */
export interface CheckedDelivery {
  readonly subscription: SubscriptionView;
  readonly headers: Headers;
  readonly raw: Uint8Array;
  readonly signature: Notification['signature'];
  readonly signal: AbortSignal;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** The notification of a delivery; its body is parsed when somebody looks at it. */
export class DeliveryNotification implements Notification {
  readonly subscription: SubscriptionView;
  readonly topic: string;
  readonly contentType: string;
  readonly headers: Headers;
  readonly raw: Uint8Array;
  readonly deliveryId: string | undefined;
  readonly signature: Notification['signature'];
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly #waitUntil: (work: Promise<unknown>) => void;
  #payload: { readonly value: unknown } | undefined;
  #links: Notification['links'] | undefined;

  constructor({ subscription, headers, raw, signature, signal, waitUntil }: CheckedDelivery) {
    this.subscription = subscription;
    this.topic = subscription.topic;
    this.contentType = headers.get('content-type') ?? 'application/octet-stream';
    this.headers = headers;
    this.raw = raw;
    this.deliveryId = headers.get('webhook-id') ?? undefined;
    this.signature = signature;
    this.attempt = attemptOf(headers);
    this.signal = signal;
    this.#waitUntil = waitUntil;
  }

  get payload(): unknown {
    this.#payload ??= { value: parsePayload(this.raw, this.contentType) };
    return this.#payload.value;
  }

  get links(): Notification['links'] {
    this.#links ??= linksByRel(parseLinkHeader(this.headers.get('link') ?? undefined));
    return this.#links;
  }

  /** Puts what the handler's type made of the body in its place. */
  setPayload(value: unknown): void {
    this.#payload = { value };
  }

  text(): string {
    return textOf(this.raw, this.contentType);
  }

  json<U = unknown>(): U {
    try {
      return JSON.parse(new TextDecoder().decode(this.raw)) as U;
    } catch (cause) {
      throw new WebSubError('invalid_payload', 'the body is not JSON: use text() or raw', { cause });
    }
  }

  waitUntil(work: Promise<unknown>): void {
    this.#waitUntil(work);
  }
}

function attemptOf(headers: Headers): number {
  const value = headers.get('hub-attempt') ?? '';
  return /^[1-9]\d{0,5}$/.test(value) ? Number(value) : 1;
}
