import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { Socket as Wire } from 'node:net';
import type { Duplex } from 'node:stream';
import { parseForm, WebSubError } from '@websub/shared';
import type * as Ws from 'ws';
import type { Bridge } from '../bridge/bridge.js';
import { RenewablePermit } from '../bridge/permit.js';
import type { Call, Farewell, SocketProtocol } from '../bridge/socket/protocol.js';
import { CLOSING_MS, Socket } from '../bridge/socket/socket.js';
import { retryMs } from '../bridge/retry-time.js';
import { RateLimit } from '../protocol/rate-limit.js';
import { clientOf, type IsTrusted } from './client.js';
import { destroyOnError } from './destroy-on-error.js';
import type { Admit } from './entrance.js';
import { refuseUpgrade, type UpgradeRefusal } from './refuse-upgrade.js';
import { MOST_HEADERS } from './server.js';
import { PAGE_NOT_FOUND } from './upgrade-required.js';
import { isCredential } from './shown-credential.js';

// To import it, Node would read each of its files for names of exports, a twentieth of a hub's start.
const { WebSocketServer } = createRequire(import.meta.url)('ws') as typeof Ws;

export interface UpgradesOptions {
  readonly bridge: Bridge;
  readonly protocols: readonly SocketProtocol[];
  readonly admit: Admit;
  /** Origins whose pages may connect, besides the hub's own; `*` for all. */
  readonly corsOrigins: readonly string[];
  readonly isTrusted: IsTrusted;
  /** Whether clients may say as much as they like. */
  readonly dev: boolean;
  /** False while the hub starts or stops. */
  readonly isReady: () => boolean;
  readonly hubUrl: () => string;
}

/** Bytes of one message of a client, and frames that it may come in; for more, ws ends the connection with 1009 or 1008. */
const MOST_MESSAGE_BYTES = 64 * 1024;
const MOST_FRAGMENTS = 256;
/** Messages, pings and pongs of one client. */
const MESSAGES = { perSecond: 500, burst: 1_000 };
const BUSY_RETRY_MS = { least: 5_000, spread: 25_000 };
/** What a path that ends in `:token` leaves open. */
const LAST_SEGMENT = /[^/]+$/;

interface Route {
  readonly protocol: SocketProtocol;
  readonly server: Ws.WebSocketServer;
}

/** Requests that become WebSocket connections (RFC 6455 §4.2): each speaks the protocol of its path. */
export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #routes = new Map<string, Route>();
  readonly #rate: RateLimit | undefined;

  constructor(options: UpgradesOptions) {
    this.#options = options;
    this.#rate = options.dev ? undefined : new RateLimit(MESSAGES);
    for (const protocol of options.protocols) {
      const route = { protocol, server: serverOf(protocol) };
      for (const path of protocol.paths) this.#routes.set(path, route);
    }
  }

  /** Takes the connection of a client that asked for a WebSocket. */
  take(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    destroyOnError(duplex);
    this.#upgrade(request, duplex, head).catch((error: unknown) => {
      this.#options.bridge.events.emit('fault', { where: 'upgrade', error });
      duplex.destroy();
    });
  }

  async #upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    const url = request.url ?? '';
    const [path = ''] = url.split('?', 1);
    const route = this.#routes.get(path) ?? this.#routes.get(path.replace(LAST_SEGMENT, ':token'));
    const params = paramsOf(url.slice(path.length + 1));
    const refusal = this.#refusalOf(request, path, route, params);
    if (refusal !== undefined) refuseUpgrade(duplex, path, refusal);
    if (refusal !== undefined || route === undefined || params instanceof WebSubError) return;
    const entrance = await this.#options.admit(request);
    if (duplex.destroyed) return;
    const address = clientOf(request, this.#options.isTrusted);
    route.server.handleUpgrade(request, duplex, head, (webSocket) => {
      const call = { entrance, path, params, address, subprotocol: webSocket.protocol };
      // What http gives to be upgraded is the network's own socket.
      if (duplex instanceof Wire) this.#open(route.protocol, webSocket, duplex, call);
    });
  }

  #refusalOf(
    { rawHeaders, headers }: IncomingMessage,
    path: string,
    route: Route | undefined,
    params: URLSearchParams | WebSubError,
  ): UpgradeRefusal | undefined {
    if (rawHeaders.length / 2 > MOST_HEADERS)
      return { status: 431, detail: `more than ${MOST_HEADERS} headers: send fewer` };
    if (!this.#options.isReady()) {
      const detail = 'the hub is starting or stopping: try again in a second';
      return { status: 503, detail, headers: { 'Retry-After': '1' } };
    }
    if (route === undefined) {
      const paths = [...this.#routes.keys()].join(', ');
      return { status: 404, detail: `no WebSocket is spoken at ${path}: connect to one of ${paths}` };
    }
    if (!this.#mayConnect(headers.origin, headers.host)) {
      if (route.protocol.hides === true) return { status: 404, detail: PAGE_NOT_FOUND };
      const detail = 'pages of this origin may not connect: name it in --cors-origins';
      return { status: 403, detail };
    }
    return params instanceof WebSubError ? { status: 400, detail: params.message } : undefined;
  }

  /** A browser says whose page connects, and nobody else need say it: a page may not read in the name of its visitor. */
  #mayConnect(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined) return true;
    const { corsOrigins, hubUrl } = this.#options;
    if (corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
    return URL.canParse(origin) && [host, new URL(hubUrl()).host].includes(new URL(origin).host);
  }

  #open(protocol: SocketProtocol, webSocket: Ws.WebSocket, wire: Wire, call: Call): void {
    const { bridge } = this.#options;
    const { streams, random } = bridge;
    const permit = new RenewablePermit(bridge.gate, call.entrance.grant);
    const opener = { address: call.address, subject: permit.subject, mostStreams: permit.mostStreams };
    const again = retryMs(random, BUSY_RETRY_MS);
    if (call.entrance.kind === 'refused') {
      const end = call.entrance.hasExpired ? 'expired' : 'unauthorized';
      this.#sendAway(webSocket, protocol.farewell(end, again));
      return;
    }
    if (call.entrance.kind === 'unavailable' || streams.isFull(opener)) {
      this.#sendAway(webSocket, protocol.farewell('busy', again));
      return;
    }
    const { events } = bridge;
    const rate = this.#rate;
    streams.open(
      opener,
      (id, commons) => new Socket({ id, commons, webSocket, wire, permit, protocol, call, rate, events }),
    );
  }

  /** A browser shows a page no status of an upgrade that was refused, but the code of a close frame. */
  #sendAway(webSocket: Ws.WebSocket, { text, code, reason }: Farewell): void {
    webSocket.on('error', () => webSocket.terminate());
    if (text !== undefined) webSocket.send(text);
    webSocket.close(code, reason);
    const cancel = this.#options.bridge.clock.after(CLOSING_MS, () => webSocket.terminate());
    webSocket.once('close', cancel);
  }
}

function serverOf(protocol: SocketProtocol): Ws.WebSocketServer {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MOST_MESSAGE_BYTES,
    maxFragments: MOST_FRAGMENTS,
    handleProtocols: (offered) => {
      const open = [...offered].filter((subprotocol) => !isCredential(subprotocol));
      return protocol.choose(open) ?? false;
    },
  });
  server.on('wsClientError', ({ message }, duplex, request) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const detail = `${message}: connect as RFC 6455 says`;
    refuseUpgrade(duplex, path, { status: 400, detail, headers: { 'Sec-WebSocket-Version': '13' } });
  });
  return server;
}

function paramsOf(query: string): URLSearchParams | WebSubError {
  try {
    return parseForm(Buffer.from(query));
  } catch (error) {
    if (error instanceof WebSubError) return error;
    throw error;
  }
}
