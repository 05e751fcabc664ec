import {
  headerText,
  sign,
  signWebhook,
  type HttpFailureReason,
  type HttpOutcome,
  type PostRequest,
} from '@websub/shared';
import { parseRetryAfter } from './patience.js';
import { WebhookKeys } from './webhook-keys.js';

export type HeaderLines = Readonly<Record<string, string>>;

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

/** What is equal for all callbacks of an entry: one object for each entry. */
export interface Parcel {
  readonly id: string;
  readonly topic: string;
  readonly body: Uint8Array;
  /** Names and values in turns. */
  readonly headers: readonly string[];
}

/** What of one attempt is its callback's alone. */
export interface Sending {
  readonly made: {
    /** 1 for the first. */
    readonly attempt: number;
    /** The headers that name its span, when the entry was published in a trace. */
    readonly trace: HeaderLines | undefined;
  };
  readonly callback: string;
  /** The party behind the callback: those of one party share connections. */
  readonly host: string;
  readonly secret: string | null;
  /** Whether it is signed with its id and time as well; of no account without a secret. */
  readonly webhookSignature: boolean;
  /** The `Authorization` header, for a callback that wants one. */
  readonly authorization: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Signs and sends, as a port. */
export interface Sender {
  /** Calls `settled` once, when the callback has answered or the time limits of requests ran out; at once when it cannot be sent. */
  send(parcel: Parcel, sending: Sending, settled: (outcome: DeliveryOutcome) => void): void;
}

/** Sends in the thread that it lives in. */
export class HttpSender implements Sender {
  readonly #post: PostRequest;
  readonly #webhookKeys = new WebhookKeys();

  constructor(post: PostRequest) {
    this.#post = post;
  }

  send(
    parcel: Parcel,
    { made, callback, secret, webhookSignature, authorization, now }: Omit<Sending, 'host'>,
    settled: (outcome: DeliveryOutcome) => void,
  ): void {
    const timestamp = String(Math.floor(now / 1000));
    const own = ['webhook-timestamp', timestamp, 'hub-attempt', String(made.attempt)];
    if (made.trace !== undefined) for (const line of Object.entries(made.trace)) own.push(...line);
    if (authorization !== null) own.push('authorization', authorization);
    if (secret !== null) {
      own.push('x-hub-signature', sign(parcel.body, secret));
      if (webhookSignature) own.push('webhook-signature', this.#signTimed(parcel, secret, timestamp));
    }
    const post = { url: callback, headers: parcel.headers.concat(own), body: parcel.body };
    this.#post(post, (answer) => settled(outcomeOf(answer, now)));
  }

  /** Binds id, time and topic besides the body, against replays. */
  #signTimed({ id, topic, body }: Parcel, secret: string, timestamp: string): string {
    return signWebhook({ id, timestamp, body }, this.#webhookKeys.of(topic, secret));
  }
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
