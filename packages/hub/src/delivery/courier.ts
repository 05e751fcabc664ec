import {
  formatLinkHeader,
  headerText,
  sign,
  signWebhook,
  type HttpClient,
  type HttpFailureReason,
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

export interface Delivery {
  readonly entry: Entry;
  readonly callback: string;
  readonly secret: string | null;
  /** The `Authorization` header, for a callback that wants one. */
  readonly authorization: string | null;
  /** 1 for the first. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Headers that name the span of this attempt, when the entry was published in a trace. */
  readonly trace: HeaderLines;
}

export interface CourierOptions {
  readonly http: HttpClient;
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
  readonly #common = new WeakMap<Entry, HeaderLines>();
  readonly #webhookKeys = new WebhookKeys();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Settles when the callback has answered or the client's time limits ran out; never rejects. */
  async deliver(delivery: Delivery): Promise<DeliveryOutcome> {
    const { entry, callback, secret, authorization, attempt, now, trace } = delivery;
    const timestamp = String(Math.floor(now / 1000));
    const headers: Record<string, string> = {
      ...this.#commonHeaders(entry),
      'webhook-timestamp': timestamp,
      'hub-attempt': String(attempt),
      ...trace,
    };
    if (authorization !== null) headers['authorization'] = authorization;
    if (secret !== null) Object.assign(headers, this.#signatures(entry, secret, timestamp));
    const answer = await this.#options.http.send({
      method: 'POST',
      url: callback,
      headers,
      body: entry.content.body,
      answer: { kind: 'status' },
    });
    if (answer.kind === 'failure') {
      return {
        kind: 'failed',
        reason: answer.reason,
        status: 0,
        detail: answer.detail,
        overloaded: answer.reason === 'timeout',
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

  /** Section 7.1's over the body, and one that binds id, time and topic too, against replays. */
  #signatures({ id, topic, content: { body } }: Entry, secret: string, timestamp: string): HeaderLines {
    const key = this.#webhookKeys.of(topic, secret);
    return {
      'x-hub-signature': sign(body, secret),
      'webhook-signature': signWebhook({ id, timestamp, body }, key),
    };
  }

  #commonHeaders(entry: Entry): HeaderLines {
    const known = this.#common.get(entry);
    if (known !== undefined) return known;
    const { hubUrl, epoch, userAgent } = this.#options;
    const built = {
      // First, so that nothing a publisher sends replaces what the hub says.
      ...entry.headers,
      'content-type': entry.content.contentType,
      link: formatLinkHeader([
        { href: hubUrl(), rel: 'hub' },
        { href: entry.topic, rel: 'self' },
      ]),
      'user-agent': userAgent,
      'webhook-id': entry.id,
      'hub-cursor': formatCursor(epoch, entry.position),
    };
    this.#common.set(entry, built);
    return built;
  }
}
