import type { DispatchTables } from '../dispatch/tables.js';
import type { Notification } from '../messages.js';
import type { Target } from './target.js';

/** How requests are made: to hubs in `httpConfig`, for discovery in `discoveryConfig.httpConfig`. */
export interface HttpConfig {
  /** Milliseconds until the end of an answer. Default 15,000. */
  timeoutMs?: number;
  /** Headers of every request. */
  headers?: Record<string, string>;
  /**
   * An undici dispatcher that opens the connections instead of ours: a proxy, client certificates, another resolver.
   * The ban on private addresses is then its business, but for hosts written as an address.
   */
  dispatcher?: unknown;
  /**
   * How often and after which waits a request that got no usable answer is made again while `start()` or `subscribe()`
   * waits; the waits double. Default 3 attempts, 500 ms, 30,000 ms. What failed at start is tried on in the background.
   */
  retry?: { attempts?: number; baseMs?: number; maxMs?: number };
  /** Redirects followed at most: of a resource any, of a hub 307 and 308. Default 3. */
  maxRedirects?: number;
  /**
   * Whether private addresses (loopback, 10.0.0.0/8, fc00::/7 and the like) may be connected to. Absent: only loopback,
   * and only for a target that you wrote with a loopback host, and the hubs that its pages name. `true`: all private
   * ones, for internal networks; link-local ones, where clouds keep credentials, never. `false`: none.
   */
  allowPrivateNetworks?: boolean;
}

/** The options of a subscriber service. Every one may be left out. */
export interface SubscriberServiceOptions extends DispatchTables {
  /** What to subscribe to: see {@link Target}. Absent: nothing until `subscriptions.subscribe`. */
  target?: Target | readonly Target[];
  /** Where below the listener's public URL the callbacks lie. Default `/`. Also the service's name in the store. */
  path?: string;
  /**
   * The callback, exactly as the hub is to use it, for one target. Making it unguessable is then up to you. Requests are
   * known by its path, or by `path` where a proxy rewrites it, and by its query. With `appendServicePath` it is the base of callbacks
   * instead of the listener's public URL.
   */
  callback?: string;
  /** Callbacks are `callback` + `path` + `/` + an unguessable id. Default false. */
  appendServicePath?: boolean;
  /** The lease to ask for, in seconds. Absent: what the hub grants by itself. */
  leaseSeconds?: number;
  /**
   * `'auto'` (default): an own random secret for each subscription. A string: that one, or the first of several, the
   * others being accepted as well while one is rotated. `false`: none, so that deliveries are unsigned.
   */
  secret?: string | readonly [current: string, ...previous: string[]] | false;
  /**
   * How a lease is renewed. `'rotate'`: by a new subscription with another callback and secret, beside which the old one
   * goes on until it is verified and for a minute more; what comes by both is handled once. `'keep'`: by the same callback
   * and secret. Absent: `'rotate'` at hubs that verified the last request within 10 seconds, else `'keep'`; always `'keep'`
   * with an exact `callback`.
   */
  renewal?: 'rotate' | 'keep';
  /** Whether `start()`, or `attach` after it, subscribes to the targets. Default true. */
  subscribeOnStartUp?: boolean;
  /** Whether `gracefulStop` ends the subscriptions at their hubs. Default false: a restart resumes them. */
  unsubscribeOnShutdown?: boolean;
  /** Further form parameters of requests to the hub. */
  customParams?: Record<string, string>;
  /** Further headers of requests to the hub, such as `Authorization`. */
  customHeaders?: Record<string, string>;
  httpConfig?: HttpConfig;
  discoveryConfig?: {
    /** The `Accept` header; a publisher may have a topic for each representation. */
    accept?: string | readonly string[];
    acceptLanguage?: string | readonly string[];
    /** Absent: as `httpConfig`. */
    httpConfig?: HttpConfig;
  };
  /**
   * When a delivery is answered: `'received'`: 202 once it is checked, before the handler runs; `'handled'`: when the
   * handler is done; `{ deadlineMs }`: when it is done, or 202 after that time. Default `{ deadlineMs: 5000 }`.
   */
  ack?: 'received' | 'handled' | { deadlineMs: number };
  /** Handlers of this service that run at the same time. Default 16. 256 more may wait; then the hub is answered 503 with `Retry-After`. */
  concurrency?: number;
  /** Notifications of equal keys are handled one after the other, in the order of arrival. */
  orderBy?: (n: Notification) => string | undefined;
  /**
   * A delivery with the key of an earlier one is answered like it and not handled again. Default: key `Webhook-Id`,
   * remembered for 24 hours; deliveries without a key are all handled. `false`: off.
   */
  dedupe?: false | { key?: (n: Notification) => string | undefined; ttlMs?: number };
  /** A notification that no method takes: `'ack'` (default) 202 and an `unhandled` event, `'reject'` 404. */
  onNoMatch?: 'ack' | 'reject';
  /** A payload that a handler's type refuses: `'reject'` (default) 422, `'ack'` 202; an `error` event in both cases. */
  onInvalidPayload?: 'ack' | 'reject';
  /** A missing, wrong or outdated signature: `'reject'` (default) 403, `'ack'` 202. It is never handled. */
  onBadSignature?: 'reject' | 'ack';
  /** Longer deliveries are answered 413. Default 5,242,880. */
  maxBodyBytes?: number;
  /**
   * Milliseconds without a delivery, on an active subscription, after which a `stale` event is told, up to a minute late.
   * Default: never.
   */
  staleAfterMs?: number;
  /** After a denial: `'stop'` (default), or ask again after a time. */
  onDenied?: 'stop' | { retryAfterMs: number };
}
