import type { LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector, errors, type Dispatcher } from 'undici';
import { systemClock, type CancelTimer, type Clock } from './clock.js';
import { reasonOf, WebSubError } from './errors.js';
import type {
  HttpClient,
  HttpFailure,
  HttpFailureReason,
  HttpHeaders,
  HttpRequest,
  HttpResponse,
} from './http-client.js';
import type { NetworkPolicy } from './network-policy.js';
import { systemResolver, type Resolver } from './resolver.js';

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
const FIRST_BYTE_TIMEOUT_MS = 10_000;
const TOTAL_TIMEOUT_MS = 15_000;
const MAX_HEADER_BYTES = 16 * 1024;
// Node's own servers close an idle connection after 5 s; ours must give it up before, or a request meets a closing socket.
const KEEP_ALIVE_MS = 4_000;
const IGNORED_BODY_LIMIT = 64 * 1024;
const SWEEP_MS = 250;

/** The HTTP client on undici's dispatch API, guarded by the network policy at connect time (LAW 9). */
export class UndiciHttpClient implements HttpClient {
  readonly #policy: NetworkPolicy;
  readonly #agent: Agent;
  readonly #dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly #clock: Clock;
  readonly #exchanges = new Set<Exchange>();
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

  send(request: HttpRequest): Promise<HttpResponse | HttpFailure> {
    if (this.#closed) return Promise.resolve(aborted('the client was closed'));
    if (request.signal?.aborted === true) return Promise.resolve(aborted('the request was aborted'));
    return new Promise((resolve) => {
      const exchange = new Exchange(request, this.#clock.monotonic(), (outcome) => {
        this.#exchanges.delete(exchange);
        resolve(outcome);
      });
      this.#exchanges.add(exchange);
      this.#armSweep();
      try {
        const url = new URL(request.url);
        const { origin, hostname } = url;
        // Node asks the connector's lookup for names only, never for IP literals.
        if (this.#policy.allowsLiteral(hostname) === false) throw forbidden(hostname);
        this.#dispatcher.dispatch(
          {
            origin,
            path: pathAsWritten(request.url) ?? url.pathname + url.search,
            method: request.method,
            headers: request.headers as Record<string, string>,
            body: request.body ?? null,
          },
          exchange,
        );
      } catch (thrown) {
        exchange.fail(
          thrown instanceof WebSubError ? failureReason(thrown) : 'bad-response',
          reasonOf(thrown),
        );
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.fail('aborted', 'the client was closed');
    await this.#agent.destroy();
  }

  #armSweep(): void {
    if (this.#sweep !== undefined || this.#exchanges.size === 0) return;
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      const now = this.#clock.monotonic();
      for (const exchange of this.#exchanges) exchange.checkTime(now);
      this.#armSweep();
    });
  }
}

// What RFC 3986 allows after the authority; anything else has to be encoded, which `URL` does.
const AUTHORITY_AND_PATH = /^https?:\/\/[^/?#\\]+([/?][\w\-.~:/?[\]@!$&'()*+,;=%]*)$/i;

/**
 * Path and query exactly as they stand in the URL. A callback is used as it was given (section 8.3), while `URL` would
 * encode an apostrophe in the query and take out dot segments.
 */
function pathAsWritten(url: string): string | undefined {
  const path = AUTHORITY_AND_PATH.exec(url)?.[1];
  return path?.startsWith('?') === true ? `/${path}` : path;
}

/** One request and its answer: undici's handler, and the state that the time limits look at. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #startedAt: number;
  readonly #chunks: Uint8Array[] = [];
  #settle: ((outcome: HttpResponse | HttpFailure) => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: HttpHeaders = {};
  #received = 0;
  readonly #onAbort = (): void => this.fail('aborted', 'the request was aborted');

  constructor(
    request: HttpRequest,
    startedAt: number,
    settle: (outcome: HttpResponse | HttpFailure) => void,
  ) {
    this.#request = request;
    this.#startedAt = startedAt;
    this.#settle = settle;
    request.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The time may have run out while the request waited for a connection.
    if (this.#settle === undefined) controller.abort(new Error('settled'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    const { answer } = this.#request;
    if (answer.kind === 'body') {
      if (this.#received > answer.maxBytes)
        this.fail('too-large', `the answer is longer than ${answer.maxBytes} bytes`);
      else this.#chunks.push(chunk);
    } else if (answer.kind === 'prefix') {
      const surplus = Math.max(0, this.#received - answer.maxBytes);
      this.#chunks.push(chunk.subarray(0, Math.max(0, chunk.byteLength - surplus)));
      if (surplus > 0) {
        this.#finish();
        controller.abort(new Error('more body than anybody reads'));
      }
    } else if (this.#received > IGNORED_BODY_LIMIT) {
      this.#finish();
      controller.abort(new Error('more body than anybody reads'));
    }
  }

  onResponseEnd(): void {
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // For the sender of a request that wants only the status, the answer was complete with its headers.
    if (this.#status >= 200 && this.#request.answer.kind === 'status') this.#finish();
    else this.fail(failureReason(error), reasonOf(error));
  }

  checkTime(now: number): void {
    const elapsed = now - this.#startedAt;
    if (this.#status === 0 && elapsed >= (this.#request.firstByteTimeoutMs ?? FIRST_BYTE_TIMEOUT_MS)) {
      this.fail('timeout', 'no answer came in time');
    } else if (elapsed >= (this.#request.timeoutMs ?? TOTAL_TIMEOUT_MS)) {
      if (this.#status >= 200 && this.#request.answer.kind === 'status') this.#finish();
      else this.fail('timeout', 'the answer did not end in time');
      this.#controller?.abort(new Error('out of time'));
    }
  }

  fail(reason: HttpFailureReason, detail: string): void {
    this.#done({ kind: 'failure', reason, detail });
    this.#controller?.abort(new Error(detail));
  }

  #finish(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#done({ kind: 'response', status: this.#status, headers: this.#headers, body });
  }

  #done(outcome: HttpResponse | HttpFailure): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    settle(outcome);
  }
}

// undici's parser errors have no code.
const BAD_RESPONSE_CODES: ReadonlySet<string | undefined> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

// Node's own, OpenSSL's protocol errors, and the names of X509_V_ERR_….
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$|PATH_LENGTH_)/;

/** The name could not be resolved; the cause says why. */
class UnresolvedName extends Error {}

function failureReason(error: Error & { code?: string }): HttpFailureReason {
  if (error instanceof WebSubError && error.code === 'forbidden_address') return 'forbidden-address';
  if (error.code === 'timeout' || error.code === 'UND_ERR_CONNECT_TIMEOUT') return 'timeout';
  if (error instanceof errors.HTTPParserError || BAD_RESPONSE_CODES.has(error.code)) return 'bad-response';
  if (error instanceof UnresolvedName) return 'dns';
  if (error.code === 'ECONNREFUSED') return 'refused';
  return TLS_CODE.test(error.code ?? '') ? 'tls' : 'unreachable';
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

function aborted(detail: string): HttpFailure {
  return { kind: 'failure', reason: 'aborted', detail };
}

function forbidden(hostname: string): WebSubError {
  return new WebSubError('forbidden_address', `${hostname} has no address that the network policy allows`);
}
