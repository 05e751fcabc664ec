import type { LookupFunction, Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { systemClock, type CancelTimer, type Clock } from './clock.js';
import { reasonOf, WebSubError } from './errors.js';
import { Exchange, UnderWay, type AnyRequest } from './http-client-exchange.js';
import { failureReason, UnresolvedName } from './http-client-failure.js';
import type { HttpClient, HttpOutcome, HttpRequest, PostRequest } from './http-client.js';
import { joinSmallWrites } from './joined-writes.js';
import type { NetworkPolicy } from './network-policy.js';
import { systemResolver, type Resolver } from './resolver.js';
import { Agent, buildConnector } from './undici.js';

export interface UndiciHttpClientOptions {
  readonly policy: NetworkPolicy;
  readonly resolver?: Resolver;
  readonly clock?: Clock;
  /** Connections to one origin at most. Default 64. */
  readonly connectionsPerOrigin?: number;
  /**
   * The caller's own undici dispatcher, such as a proxy agent or one with client certificates. It opens the connections
   * itself, so of the policy only the check of IP literals is left; it stays open when the client is closed.
   */
  readonly dispatcher?: Pick<Dispatcher, 'dispatch'>;
}

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 16 * 1024;
// Node's own servers close an idle connection after 5 s; ours must give it up before, or a request meets a closing socket.
const KEEP_ALIVE_MS = 4_000;
const SWEEP_MS = 250;
const MOST_ORIGINS_REMEMBERED = 20_000;

const STATUS_ONLY = { kind: 'status' } as const;

interface Target {
  readonly origin: string;
  readonly path: string;
}

/** The HTTP client on undici's dispatch API, guarded by the network policy at connect time (LAW 9). */
export class UndiciHttpClient implements HttpClient {
  readonly #policy: NetworkPolicy;
  readonly #agent: Agent;
  readonly #dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly #clock: Clock;
  readonly #underWay = new UnderWay();
  /** Origins by what stands before the path: parsing and judging one takes longer than all else about a URL. */
  readonly #origins = new Map<string, string>();
  #sweep: CancelTimer | undefined;
  #closed = false;

  constructor(options: UndiciHttpClientOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#policy = options.policy;
    this.#agent = new Agent({
      connect: guardedConnector(options.policy, options.resolver ?? systemResolver),
      connections: options.connectionsPerOrigin ?? 64,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // One sweep over the exchanges keeps all time limits; undici would arm timers of its own per request.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#dispatcher = options.dispatcher ?? this.#agent;
  }

  send(request: HttpRequest): Promise<HttpOutcome> {
    return new Promise((resolve) => this.#start(request, resolve));
  }

  // Written out, since a spread takes a twentieth of the time of a delivery.
  readonly post: PostRequest = ({ url, headers, body }, settled) =>
    this.#start({ method: 'POST', url, headers, body, answer: STATUS_ONLY }, settled);

  #start(request: AnyRequest, settled: (outcome: HttpOutcome) => void): void {
    const exchange = new Exchange(request, this.#clock.monotonic(), this.#underWay, settled);
    if (this.#closed) exchange.fail('aborted', 'the client was closed');
    else if (request.signal?.aborted === true) exchange.fail('aborted', 'the request was aborted');
    else this.#dispatch(request, exchange);
    this.#armSweep();
  }

  #dispatch(request: AnyRequest, exchange: Exchange): void {
    try {
      const { origin, path } = this.#targetOf(request.url);
      this.#dispatcher.dispatch(
        {
          origin,
          path,
          method: request.method,
          // undici changes neither.
          headers: request.headers as Record<string, string> | string[],
          body: request.body ?? null,
        },
        exchange,
      );
    } catch (thrown) {
      exchange.fail(thrown instanceof WebSubError ? failureReason(thrown) : 'bad-response', reasonOf(thrown));
    }
  }

  #targetOf(url: string): Target {
    const path = pathAsWritten(url);
    if (path === undefined) {
      const { origin, hostname, pathname, search } = new URL(url);
      this.#checkLiteral(hostname);
      return { origin, path: pathname + search };
    }
    const written = url.slice(0, url.length - path.length);
    let origin = this.#origins.get(written);
    if (origin === undefined) {
      const parsed = new URL(written);
      this.#checkLiteral(parsed.hostname);
      // All at once: what is still in use comes back with its next request.
      if (this.#origins.size >= MOST_ORIGINS_REMEMBERED) this.#origins.clear();
      this.#origins.set(written, (origin = parsed.origin));
    }
    return { origin, path: path.startsWith('?') ? `/${path}` : path };
  }

  /** Node asks the connector's lookup for names only, never for IP literals. */
  #checkLiteral(hostname: string): void {
    if (this.#policy.allowsLiteral(hostname) === false) throw forbidden(hostname);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const exchange of this.#underWay.all()) exchange.fail('aborted', 'the client was closed');
    await this.#agent.destroy();
  }

  #armSweep(): void {
    if (this.#sweep !== undefined || this.#underWay.size === 0) return;
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      const now = this.#clock.monotonic();
      for (const exchange of this.#underWay.all()) exchange.checkTime(now);
      this.#armSweep();
    });
  }
}

// What RFC 3986 allows after the authority; anything else has to be encoded, which `URL` does.
const AUTHORITY_AND_PATH = /^https?:\/\/[^/?#\\]+([/?][\w\-.~:/?[\]@!$&'()*+,;=%]*)$/i;

/**
 * Path and query exactly as they stand at the end of the URL. A callback is used as it was given (section 8.3), while `URL`
 * would encode an apostrophe in the query and take out dot segments.
 */
function pathAsWritten(url: string): string | undefined {
  return AUTHORITY_AND_PATH.exec(url)?.[1];
}

/**
 * Connects only where the policy allows: a name by the addresses that it resolves to, and the socket's own remote
 * address at the end.
 */
function guardedConnector(policy: NetworkPolicy, resolver: Resolver): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup(policy, resolver) });
  return (options, callback) => {
    connect(options, (...result) => {
      const socket: Socket | null | undefined = result[1];
      // undici calls back with the error alone.
      if (socket === null || socket === undefined) {
        callback(result[0] ?? new Error('no connection'), null);
        return;
      }
      const address = socket.remoteAddress;
      if (address !== undefined && policy.allows(address)) {
        joinSmallWrites(socket);
        callback(null, socket);
        return;
      }
      socket.destroy();
      // A peer that has already gone has no address any more; that forbids nothing.
      callback(
        address === undefined ? new Error('the connection was ended at once') : forbidden(options.hostname),
        null,
      );
    });
  };
}

function guardedLookup(policy: NetworkPolicy, resolver: Resolver): LookupFunction {
  return (hostname, options, callback) => {
    resolver.resolve(hostname).then(
      (addresses) => {
        const allowed = addresses.filter(({ address }) => policy.allows(address));
        const first = allowed[0];
        if (first === undefined) callback(forbidden(hostname), '', 0);
        else if (options.all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(isTimeout(error) ? error : unresolved(error), '', 0),
    );
  };
}

function isTimeout(error: unknown): error is WebSubError {
  return error instanceof WebSubError && error.code === 'timeout';
}

function unresolved(cause: unknown): UnresolvedName {
  return new UnresolvedName(reasonOf(cause), { cause });
}

function forbidden(hostname: string): WebSubError {
  return new WebSubError('forbidden_address', `${hostname} has no address that the network policy allows`);
}
