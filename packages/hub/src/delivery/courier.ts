import {
  formatLinkHeader,
  headerText,
  sign,
  signWebhook,
  type HttpFailureReason,
  type HttpOutcome,
  type PostRequest,
} from '@websub/shared';
import { formatCursor } from '../log/cursor.js';
import type { Entry } from '../log/log.js';
import { parseRetryAfter } from './patience.js';
import { WebhookKeys } from './webhook-keys.js';

/** What one attempt came to. Anything but 2xx and 410 is a failure, redirects included (section 7). */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'gone'; readonly status: number }
  | {
      readonly kind: 'failed';
      readonly reason: 'status' | HttpFailureReason;
      /** 0 when no answer came. */
      readonly status: number;
      readonly detail: string;
      readonly overloaded: boolean;
      readonly retryAfterMs: number | undefined;
    };

/** One attempt that is made. */
export interface Attempt {
  readonly entry: Entry;
  /** 1 for the first. */
  readonly attempt: number;
  /** The headers that name its span, when the entry was published in a trace. */
  readonly trace: HeaderLines | undefined;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

export interface Delivery {
  readonly made: Attempt;
  readonly callback: string;
  readonly secret: string | null;
  /** The `Authorization` header, for a callback that wants one. */
  readonly authorization: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface CourierOptions {
  readonly post: PostRequest;
  /** What the hub calls itself in Link headers; known once it listens. */
  readonly hubUrl: () => string;
  readonly epoch: string;
  readonly userAgent: string;
}

export type HeaderLines = Readonly<Record<string, string>>;

/** Makes one delivery attempt (section 7). */
export class Courier {
  readonly #options: CourierOptions;
  /** What is equal for all callbacks of an entry, built once. */
  readonly #common = new WeakMap<Entry, readonly string[]>();
  readonly #webhookKeys = new WebhookKeys();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Calls `settled` once, when the callback has answered or the client's time limits ran out. */
  deliver(
    { made, callback, secret, authorization, now }: Delivery,
    settled: (outcome: DeliveryOutcome) => void,
  ): void {
    const { entry, attempt, trace } = made;
    const timestamp = String(Math.floor(now / 1000));
    const headers = this.#commonHeaders(entry).slice();
    headers.push('webhook-timestamp', timestamp, 'hub-attempt', String(attempt));
    if (trace !== undefined) for (const line of Object.entries(trace)) headers.push(...line);
    if (authorization !== null) headers.push('authorization', authorization);
    if (secret !== null) this.#sign(headers, entry, secret, timestamp);
    this.#options.post({ url: callback, headers, body: entry.content.body }, (answer) =>
      settled(outcomeOf(answer, now)),
    );
  }

  /** Section 7.1's over the body, and one that binds id, time and topic too, against replays. */
  #sign(headers: string[], { id, topic, content: { body } }: Entry, secret: string, timestamp: string): void {
    const key = this.#webhookKeys.of(topic, secret);
    const webhookSignature = signWebhook({ id, timestamp, body }, key);
    headers.push('x-hub-signature', sign(body, secret), 'webhook-signature', webhookSignature);
  }

  #commonHeaders(entry: Entry): readonly string[] {
    const known = this.#common.get(entry);
    if (known !== undefined) return known;
    const { hubUrl, epoch, userAgent } = this.#options;
    const built = Object.entries({
      // First, so that nothing a publisher sends replaces what the hub says.
      ...withoutTrace(entry.headers),
      'content-type': entry.content.contentType,
      link: formatLinkHeader([
        { href: hubUrl(), rel: 'hub' },
        { href: entry.topic, rel: 'self' },
      ]),
      'user-agent': userAgent,
      'webhook-id': entry.id,
      'hub-cursor': formatCursor(epoch, entry.position),
    }).flat();
    this.#common.set(entry, built);
    return built;
  }
}

/** The span of an attempt takes the place of the publisher's. */
function withoutTrace({ traceparent: _parent, tracestate: _state, ...rest }: HeaderLines): HeaderLines {
  return rest;
}

function outcomeOf(answer: HttpOutcome, now: number): DeliveryOutcome {
  if (answer.kind === 'failure') {
    const { reason, detail } = answer;
    return {
      kind: 'failed',
      reason,
      status: 0,
      detail,
      overloaded: reason === 'timeout',
      retryAfterMs: undefined,
    };
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  if (status === 410) return { kind: 'gone', status };
  return {
    kind: 'failed',
    reason: 'status',
    status,
    detail: `answered ${status}`,
    overloaded: status === 429 || status === 503,
    retryAfterMs: parseRetryAfter(headerText(answer.headers, 'retry-after'), now),
  };
}
