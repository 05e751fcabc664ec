import type { Clock, HttpClient, Random } from '@websub/shared';
import type { LogFunctions, Logger } from './logger.js';
import {
  anything,
  either,
  flag,
  number,
  problemsIn,
  text,
  withMethods,
  type Misshape,
  type Shapes,
} from './service/option-shapes.js';
import { problemsOfUrl } from './service/target.js';
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
  /** Whether SIGTERM and SIGINT stop the listener gracefully, a second one as the first. Default false. */
  signals?: boolean;
  /**
   * Time, chance and requests, for tests. Leases are counted by `clock`; `http` takes every request, and guards the
   * network itself.
   */
  ports?: { clock?: Clock; random?: Random; http?: HttpClient };
}

const STORE: readonly (keyof SubscriptionStore)[] = ['get', 'put', 'delete', 'list', 'claimDue'];
const LOGGER: readonly (keyof Logger)[] = ['debug', 'info', 'warn', 'error'];

const SHAPES: Shapes<ListenerOptions> = {
  publicUrl: either(text, (value) => typeof value === 'function', 'give a URL, or a function that finds it'),
  host: text,
  store: withMethods(STORE, 'give memoryStore(), sqliteStore(path) or a SubscriptionStore of your own'),
  logger: withMethods(LOGGER, 'give pino, console or what has debug, info, warn and error'),
  container: withMethods(['get'], 'give what has get'),
  gracefulShutdownPeriod: number,
  renewAt: number,
  failFast: flag,
  signals: flag,
  ports: anything,
};

/** Sentences about what is wrong with the options of a listener; empty when they can be used. */
export function problemsOfListener(options: ListenerOptions): string[] {
  const misshapen = problemsIn(options, SHAPES);
  if (misshapen.length > 0) return misshapen.map(sentenceOf);
  const { publicUrl, renewAt, gracefulShutdownPeriod: grace } = options;
  const problems: string[] = [];
  if (typeof publicUrl === 'string') problems.push(...problemsOfUrl(publicUrl, 'publicUrl'));
  if (renewAt !== undefined && !(renewAt > 0 && renewAt < 1))
    problems.push('renewAt is not between 0 and 1: leave it out for 0.8');
  if (grace !== undefined && !(grace >= 0))
    problems.push('gracefulShutdownPeriod is negative: give milliseconds');
  return problems;
}

function sentenceOf({ at, why }: Misshape): string {
  const [name = ''] = at;
  const names = Object.keys(SHAPES);
  return names.includes(name)
    ? `${name} ${why}`
    : `${name} is no option of a listener: use ${names.join(', ')}`;
}
