import { NetworkPolicy, WebSubError } from '@websub/shared';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import type { Bridge } from '../bridge/bridge.js';
import type { SocketProtocol } from '../bridge/socket/protocol.js';
import type { HubEmitter } from '../events.js';
import type { Gate } from '../gate/gate.js';
import { channelStreams } from './channel-streams.js';
import { cors } from './cors.js';
import type { Admit } from './entrance.js';
import { answerHead, eventStreams } from './event-streams.js';
import { hubEndpoint, type HubEndpointOptions } from './hub-endpoint.js';
import { loomApi, type LoomApiOptions } from './loom-api.js';
import { managementRouter, type ManagementOptions } from './management/router.js';
import type { Metrics } from './metrics.js';
import {
  dropUser,
  listClients,
  NOTIFIER_PATHS,
  pushEvents,
  type NotifierApiOptions,
} from './notifier-api.js';
import { isAnswered, pathOf, sendPlain, sendProblem } from './problem.js';
import { MOST_HEADERS } from './server.js';
import { sessionStream, SESSION_ROUTES } from './session-streams.js';
import { storeGuard } from './store-guard.js';
import { statusPage, type StatusOptions } from './status.js';
import { notFound, upgradeRequired } from './upgrade-required.js';
import { waitRoute } from './wait.js';
import { WALLET_PATHS, walletEvents, type WalletEventsOptions } from './wallet-events.js';
import { welcome } from './welcome.js';

export interface AppOptions {
  readonly endpoint: Omit<HubEndpointOptions, 'admit' | 'gate' | 'isPrivate'>;
  readonly network: NetworkPolicy;
  readonly management: Omit<ManagementOptions, 'admit' | 'gate' | 'bridge' | 'isPrivate'>;
  readonly gate: Gate;
  readonly admit: Admit;
  readonly bridge: Bridge;
  readonly waypoint: Pick<WalletEventsOptions, 'walletKeys' | 'timeoutMs'>;
  readonly notifier: Omit<NotifierApiOptions, 'admit'>;
  readonly loom: Omit<LoomApiOptions, 'admit'>;
  readonly corsOrigins: readonly string[];
  /** What is spoken over WebSocket, where HTTP is not. */
  readonly protocols: readonly Pick<SocketProtocol, 'paths' | 'hides'>[];
  readonly status: StatusOptions;
  readonly metrics: Metrics;
  readonly events: HubEmitter;
  readonly hubUrl: () => string;
  /** Whether the hub should be given traffic: false while it starts or stops. */
  readonly isReady: () => boolean;
  /** Whether it takes requests: also in the first seconds of a stop. */
  readonly isOpen: () => boolean;
  /** What is wrong inside, so that the hub should be given no traffic; `undefined` while all is well. */
  readonly complaint: () => string | undefined;
  /** Whether the disk does not answer. */
  readonly isStalled: () => boolean;
  readonly trustProxy: readonly string[];
}

/** All routes of the hub. */
export function createApp(options: AppOptions): Express {
  const { metrics, isReady, gate, admit, bridge } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', [...options.trustProxy]);
  app.use((request, response, next) => {
    response.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
    if (request.rawHeaders.length / 2 > MOST_HEADERS)
      sendPlain(response, 431, `more than ${MOST_HEADERS} headers: send fewer`);
    else if (request.headers.host === undefined && request.httpVersion === '1.1')
      sendPlain(response, 400, 'the Host header is missing: send the name of the hub');
    else if ((request.headersDistinct['host'] ?? []).length > 1)
      sendPlain(response, 400, 'the Host header is given more than once: send it once');
    else next();
  });
  app.get('/healthz', (_request, response) => sendPlain(response, 200, 'alive'));
  app.get('/readyz', (_request, response) => {
    const complaint = options.complaint();
    if (!isReady()) sendNotReady(response);
    else if (complaint !== undefined) sendPlain(response, 503, complaint);
    else sendPlain(response, 200, 'ready');
  });
  const streamPaths = [
    '/v1/sse',
    '/v1/wait',
    '/v1/streams',
    '/v1/c',
    '/v1/presence',
    ...SESSION_ROUTES.map(({ path }) => path),
  ];
  app.use([...streamPaths, ...WALLET_PATHS], cors(options.corsOrigins));
  // Before anything is refused because the hub is not ready: an EventSource would not come back.
  app.use(
    '/v1',
    eventStreams({ bridge, admit, isReady }),
    waitRoute({ bridge, admit, isReady }),
    channelStreams({ bridge, channels: options.endpoint.channels, isReady }),
  );
  app.get(WALLET_PATHS, answerHead, walletEvents({ ...options.waypoint, bridge, admit, isReady }));
  for (const route of SESSION_ROUTES)
    app.get(route.path, answerHead, sessionStream({ bridge, admit, isReady }, route));
  for (const { paths, hides } of options.protocols)
    app.all([...paths], hides === true ? notFound : upgradeRequired);
  app.use((_request, response, next) => (options.isOpen() ? next() : sendNotReady(response)));
  const guard = storeGuard(options);
  app.get('/', welcome(options.hubUrl));
  const isPrivate = privacyOf(options);
  app.post('/', guard, hubEndpoint({ ...options.endpoint, admit, gate, isPrivate }));
  app.all('/', (_request, response) => {
    response.set('Allow', 'GET, HEAD, POST');
    sendPlain(response, 405, 'method not allowed: use POST to subscribe or publish, GET to look');
  });
  app.get('/metrics', async (_request, response) => {
    response.set('Content-Type', metrics.contentType).send(await metrics.text());
  });
  app.get('/status/:request', guard, statusPage(options.status));
  app.use('/api', guard);
  app.use(loomApi({ ...options.loom, admit }));
  const notifier = { ...options.notifier, admit };
  app.post(NOTIFIER_PATHS.push, guard, pushEvents(notifier));
  app.post(NOTIFIER_PATHS.drop, dropUser(notifier));
  app.get(NOTIFIER_PATHS.clients, ...listClients(notifier));
  app.use('/v1', guard, managementRouter({ ...options.management, admit, gate, bridge, isPrivate }));
  app.use((request, response) =>
    sendProblem(response, 404, `there is nothing at ${request.path}: the hub is at /`),
  );
  app.use(errorHandler(options.events));
  return app;
}

const THIS_MACHINE = new NetworkPolicy({ allowLoopback: true });

/** Whether it came by TLS, as the proxy says that ends it, from this machine, or in the operator's own networks. */
function privacyOf({
  network,
  hubUrl,
}: Pick<AppOptions, 'network' | 'hubUrl'>): (request: Request) => boolean {
  return (request) => {
    if (request.secure) return true;
    const { ip = '' } = request;
    const [scheme = ''] = (request.get('x-forwarded-proto') ?? '').split(',', 1);
    // The proxy is on this machine, and nobody has said that it is to be trusted; against the client it is.
    const isTold = hubUrl().startsWith('https:') && scheme.trim().toLowerCase() === 'http';
    return !isTold && (THIS_MACHINE.exempts(ip) || network.exempts(ip));
  };
}

function sendNotReady(response: Response): void {
  response.set({ 'Retry-After': '1', Connection: 'close' });
  sendPlain(response, 503, 'the hub is starting or stopping: try again in a second');
}

const STATUS: Partial<Record<WebSubError['code'], number>> = {
  invalid_request: 400,
  forbidden_address: 400,
  denied: 401,
  gone: 410,
  unsupported_media_type: 415,
  too_large: 413,
  retry_later: 429,
  store_full: 507,
  store_failed: 503,
  stopped: 503,
};

/** One place turns errors into answers. What a stranger sent is never a 5xx; what is broken here never says how. */
function errorHandler(events: HubEmitter): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    // It was refused already, because the store was late.
    if (isAnswered(response)) return;
    if (response.headersSent) {
      next(error);
      return;
    }
    const { status, sentence } = answerTo(error);
    if (status >= 500) {
      events.emit('fault', { where: `${request.method} ${routeOf(request)}`, error });
    }
    if (status >= 500 || status === 429) response.set('Retry-After', '5');
    if (/^\/(?:api\/)?v1\//.test(pathOf(request))) sendProblem(response, status, sentence);
    else sendPlain(response, status, sentence);
  };
}

/** The pattern of the route that was taken: the path itself may be a capability. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  return typeof route === 'object' && route !== null && 'path' in route ? String(route.path) : '';
}

function answerTo(error: unknown): { readonly status: number; readonly sentence: string } {
  if (error instanceof WebSubError) {
    const status = STATUS[error.code];
    if (status !== undefined && status < 500) return { status, sentence: error.message };
    if (status === 507) return { status, sentence: 'the hub has no room to store this: try again later' };
    if (status !== undefined)
      return { status, sentence: 'the hub cannot store this at the moment: try again later' };
  }
  const status = statusOf(error);
  switch (status) {
    case 413:
      return { status, sentence: 'the body is too large: send less' };
    case undefined:
      return { status: 500, sentence: 'the hub failed: try again later' };
    default:
      return { status, sentence: 'the request could not be read: check how it is sent' };
  }
}

/** The 4xx status that express and its body parser give their own errors. */
function statusOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
