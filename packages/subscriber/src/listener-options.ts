import type { Clock, HttpClient, Random } from '@websub/shared';
import type { LogFunctions, Logger } from './logger.js';
import type { SubscriptionStore } from './subscription/store.js';

/** The options of a {@link SubscriberListener}. Every one may be left out. */
export interface ListenerOptions {
  /**
   * The URL under which hubs reach this listener, or how to find it when the listener starts (a tunnel). Absent, with a
   * port or a server: `http://127.0.0.1:port`, for development on one machine. An express app needs it.
   */
  publicUrl?: string | (() => string | Promise<string>);
  /** The address to listen on, with a port. Default: all addresses when there is a `publicUrl`, else 127.0.0.1. */
  host?: string;
  /** Where subscriptions are kept over restarts. Default `memoryStore()`, which forgets them. */
  store?: SubscriptionStore;
  /**
   * Where trouble and news are logged, such as pino's: called with fields and a message, as {@link Logger} has it. Absent:
   * trouble as warnings of the process.
   */
  logger?: Logger | LogFunctions;
  /** Makes the services that are attached as classes. Absent: `new Class()`. */
  container?: { get<T>(type: new (...args: never[]) => T): T | Promise<T> };
  /** Milliseconds that `gracefulStop` waits for hubs and handlers. Default 20,000. */
  gracefulShutdownPeriod?: number;
  /** The part of a lease after which it is renewed, above 0 and below 1. Default 0.8, up to a tenth earlier by chance. */
  renewAt?: number;
  /** Whether `start()` rejects when a subscription fails, instead of reporting it. Default false. */
  failFast?: boolean;
  /** Whether SIGTERM and SIGINT stop the listener gracefully. Default false. */
  signals?: boolean;
  /**
   * Time, chance and requests, for tests. Leases are counted by `clock`; `http` takes every request, and guards the
   * network itself.
   */
  ports?: { clock?: Clock; random?: Random; http?: HttpClient };
}

const KNOWN: Readonly<Record<keyof ListenerOptions, true>> = {
  publicUrl: true,
  host: true,
  store: true,
  logger: true,
  container: true,
  gracefulShutdownPeriod: true,
  renewAt: true,
  failFast: true,
  signals: true,
  ports: true,
};

/** A sentence for each option that there is none of, with the cure. */
export function unknownOptions(options: object): string[] {
  const names = Object.keys(KNOWN);
  return Object.keys(options)
    .filter((name) => !names.includes(name))
    .map((name) => `${name} is no option of a listener: use ${names.join(', ')}`);
}
