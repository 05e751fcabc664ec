import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import type { Bridge } from '../bridge/bridge.js';
import type { Channels } from '../bridge/channel/channels.js';
import type { SocketProtocol } from '../bridge/socket/protocol.js';
import type { HubEmitter } from '../events.js';
import type { Gate } from '../gate/gate.js';
import { channelStreams } from './channel-streams.js';
import type { IsTrusted } from './client.js';
import { cors } from './cors.js';
import type { Admit } from './entrance.js';
import { answerHead, eventStreams, onlyMethods } from './event-streams.js';
import { answerFailure } from './failure.js';
import { loomApi, type LoomApiOptions } from './loom-api.js';
import { managementRouter, type ManagementOptions } from './management/router.js';
import type { Metrics } from './metrics.js';
import { sendNotReady } from './not-ready.js';
import {
  dropUser,
  listClients,
  NOTIFIER_PATHS,
  pushEvents,
  type NotifierApiOptions,
} from './notifier-api.js';
import type { IsPrivate } from './privacy.js';
import { sendPlain, sendProblem } from './problem.js';
import { sessionStream, SESSION_ROUTES } from './session-streams.js';
import type { StoreGuard } from './store-guard.js';
import { statusPage, type StatusOptions } from './status.js';
import { notFound, upgradeRequired } from './upgrade-required.js';
import { waitRoute } from './wait.js';
import { WALLET_PATHS, walletEvents, type WalletEventsOptions } from './wallet-events.js';
import { welcome } from './welcome.js';

export interface AppOptions {
  readonly endpoint: RequestListener;
  readonly channels: Channels;
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
  readonly guard: StoreGuard;
  readonly isTrusted: IsTrusted;
  readonly isPrivate: IsPrivate;
}

/** All routes of the hub, behind the front door. */
export function createApp(options: AppOptions): Express {
  const { endpoint, metrics, isReady, gate, admit, bridge, guard, isPrivate } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', options.isTrusted);
  app.get('/healthz', (_request, response) => sendPlain(response, 200, 'alive'));
  app.get('/readyz', (_request, response) => {
    const complaint = options.complaint();
    if (!isReady()) sendNotReady(response);
    else if (complaint !== undefined) sendPlain(response, 503, complaint);
    else sendPlain(response, 200, 'ready');
  });
  const streamPaths = ['/v1/sse', '/v1/wait', '/v1/streams', '/v1/c', '/v1/presence'];
  const othersPaths = [...SESSION_ROUTES.map(({ path }) => path), ...WALLET_PATHS];
  app.use([...streamPaths, ...othersPaths], cors(options.corsOrigins));
  // Before anything is refused because the hub is not ready: an EventSource would not come back.
  app.use(
    '/v1',
    eventStreams({ bridge, admit, isReady }),
    waitRoute({ bridge, admit, isReady }),
    channelStreams({ bridge, channels: options.channels, isReady }),
  );
  app.get(WALLET_PATHS, answerHead, walletEvents({ ...options.waypoint, bridge, admit, isReady }));
  for (const route of SESSION_ROUTES)
    app.get(route.path, answerHead, sessionStream({ bridge, admit, isReady }, route));
  for (const { paths, hides } of options.protocols)
    app.all([...paths], hides === true ? notFound : upgradeRequired);
  app.use((_request, response, next) => (options.isOpen() ? next() : sendNotReady(response)));
  app.get('/', welcome(options.hubUrl));
  app.post('/', endpoint);
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
  app.all([NOTIFIER_PATHS.push, NOTIFIER_PATHS.drop], onlyMethods('POST'));
  app.all([...othersPaths, NOTIFIER_PATHS.clients], onlyMethods('GET, HEAD'));
  app.use('/v1', guard, managementRouter({ ...options.management, admit, gate, bridge, isPrivate }));
  app.use((request, response) =>
    sendProblem(response, 404, `there is nothing at ${request.path}: the hub is at /`),
  );
  app.use(errorHandler(options.events));
  return app;
}

/** What express caught, and what its own parts throw. */
function errorHandler(events: HubEmitter): ErrorRequestHandler {
  // Express tells it from other handlers by its four parameters.
  return (error: unknown, request, response, _next) =>
    answerFailure(events, error, response, routeOf(request));
}

/** The pattern of the route that was taken. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  return typeof route === 'object' && route !== null && 'path' in route ? String(route.path) : '';
}
