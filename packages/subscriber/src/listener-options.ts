import type { Clock, HttpClient, Random } from '@websub/shared';
import type { Logger } from './logger.js';
import type { SubscriptionStore } from './subscription/store.js';

/** The options of a {@link SubscriberListener}. Every one may be left out. */
export interface ListenerOptions {
  /**
   * The URL under which hubs reach this listener, or how to find it when the listener starts (a tunnel). Absent, with a
   * port or a server: `http://127.0.0.1:port`, for development on one machine. An express app needs it.
   */
  readonly publicUrl?: string | (() => string | Promise<string>);
  /** The address to listen on, with a port. Default: all addresses when there is a `publicUrl`, else 127.0.0.1. */
  readonly host?: string;
  /** Where subscriptions are kept over restarts. Default `memoryStore()`, which forgets them. */
  readonly store?: SubscriptionStore;
  /** Where trouble and news are logged, such as pino's. Absent: trouble as warnings of the process. */
  readonly logger?: Logger;
  /** Makes the services that are attached as classes. Absent: `new Class()`. */
  readonly container?: { get<T>(type: new (...args: never[]) => T): T | Promise<T> };
  /** Milliseconds that `gracefulStop` waits for hubs and handlers. Default 20,000. */
  readonly gracefulShutdownPeriod?: number;
  /** The part of a lease after which it is renewed, above 0 and below 1. Default 0.8, up to a tenth earlier by chance. */
  readonly renewAt?: number;
  /** Whether `start()` rejects when a subscription fails, instead of reporting it. Default false. */
  readonly failFast?: boolean;
  /** Whether SIGTERM and SIGINT stop the listener gracefully. Default false. */
  readonly signals?: boolean;
  /**
   * Time, chance and requests, for tests. Leases are counted by `clock`; `http` takes every request, and guards the
   * network itself.
   */
  readonly ports?: { readonly clock?: Clock; readonly random?: Random; readonly http?: HttpClient };
}
