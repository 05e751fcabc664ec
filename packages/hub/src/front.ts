import type { Server } from 'node:http';
import type { Clock } from '@websub/shared';
import type { Bridge } from './bridge/bridge.js';
import type { Channels } from './bridge/channel/channels.js';
import type { LoomTopics } from './bridge/loom/loom-topics.js';
import type { NotifierClients } from './bridge/notifier/notifier-clients.js';
import type { SocketProtocol } from './bridge/socket/protocol.js';
import { furthestBehind } from './bridge/stream-lag.js';
import type { Engine } from './engine.js';
import type { HubEmitter } from './events.js';
import type { Gate } from './gate/gate.js';
import type { WalletKeys } from './gate/wallet-keys.js';
import { createApp } from './http/app.js';
import { BodyRoom } from './http/body-room.js';
import { clientOf, trustedProxies } from './http/client.js';
import type { Admit } from './http/entrance.js';
import { frontDoor } from './http/front-door.js';
import { asksForStream, takeHandedOver } from './http/handed-over.js';
import { hubEndpoint } from './http/hub-endpoint.js';
import { messageKindsOf } from './http/message-kinds.js';
import { createMetrics } from './http/metrics.js';
import { privacyOf } from './http/privacy.js';
import { createHubServer } from './http/server.js';
import { shownCredential } from './http/shown-credential.js';
import { storeGuard } from './http/store-guard.js';
import { Upgrades } from './http/upgrades.js';
import type { ResolvedOptions } from './options.js';
import type { StoreWatch } from './protocol/store-watch.js';
import type { Registry } from './subscription/registry.js';
import type { Seal } from './subscription/sealed-secret.js';

/** What becomes of a hub while it runs. */
export interface HubState {
  /** What it calls itself; empty until it listens. */
  url: string;
  /** `draining`: it still serves, and says that it is not ready; `closing`: it takes nothing new. */
  phase: 'starting' | 'ready' | 'draining' | 'closing';
}

export interface FrontOptions {
  readonly config: ResolvedOptions;
  readonly hub: Readonly<HubState>;
  readonly clock: Clock;
  readonly events: HubEmitter;
  readonly registry: Registry;
  readonly storeWatch: StoreWatch;
  readonly seal: Seal;
  readonly gate: Gate;
  readonly walletKeys: WalletKeys | undefined;
  readonly engine: Engine;
  readonly bridge: Bridge;
  readonly channels: Channels;
  readonly protocols: readonly SocketProtocol[];
  readonly loomTopics: LoomTopics;
  readonly notifierClients: NotifierClients;
}

/** Everything of a hub that others connect to: its routes over HTTP and WebSocket, on a server that does not listen yet. */
export function createFront(options: FrontOptions): Server {
  const { config, hub, clock, events, registry, storeWatch, seal, gate, engine, bridge, channels } = options;
  const { protocols, loomTopics, notifierClients } = options;
  const { roll, deliveries } = engine;
  const { ownTopics } = bridge;
  const admit: Admit = (request) => gate.admit(shownCredential(request, config));
  const isTrusted = trustedProxies(config.trustProxy);
  const hubUrl = (): string => hub.url;
  const isPrivate = privacyOf({ network: config.networks.callbacks, isTrusted, hubUrl });
  const isOpen = (): boolean => hub.phase === 'ready' || hub.phase === 'draining';
  const guard = storeGuard({ isStalled: () => storeWatch.isStalled, events });
  const room = new BodyRoom(config.maxBodyBytes);
  const management = {
    ...config,
    room,
    registry,
    roll,
    log: engine.log,
    deliveries,
    recentAttempts: engine.recentAttempts,
    redeliveries: engine.redeliveries,
    operator: engine.operator,
    records: engine.records,
    webhooks: engine.webhooks,
    admission: engine.admission,
    publications: engine.publications,
    ownTopics,
    seal,
    clock,
  };
  const endpoint = hubEndpoint({
    ...config,
    room,
    acceptance: engine.acceptance,
    publications: engine.publications,
    channels,
    admission: engine.admission,
    admit,
    gate,
    isPrivate,
    clientOf: (request) => clientOf(request, isTrusted),
    isOpen,
    guard,
    events,
    hubUrl,
  });
  const app = createApp({
    endpoint,
    channels,
    management,
    status: { ...management, closedRequests: engine.closedRequests },
    metrics: createMetrics(
      events,
      {
        storeLateSeconds: () => storeWatch.lateMs / 1000,
        topics: () => roll.topics.size,
        subscriptions: () => roll.recipientCount,
        deliveriesWaiting: () => deliveries.waiting,
        deliveriesInFlight: () => deliveries.inFlight,
        streams: () => bridge.streams.count,
        streamLag: () => furthestBehind(bridge),
        deliveriesHeld: () => deliveries.held,
        breakers: () => deliveries.breakers,
        lag: () => engine.lag.measure(),
        logSize: () => engine.log.size(),
        canaryLate: () => engine.canary?.complaint !== undefined,
      },
      clock,
    ),
    gate,
    admit,
    bridge,
    protocols,
    waypoint: {
      walletKeys: options.walletKeys,
      timeoutMs: config.waypoint.timeoutMs,
    },
    notifier: {
      ...config,
      ownTopics,
      clients: notifierClients,
      room,
      publications: engine.publications,
      admission: engine.admission,
    },
    loom: {
      bridge,
      topics: loomTopics,
      publications: engine.publications,
      admission: engine.admission,
      hubUrl,
    },
    corsOrigins: config.corsOrigins,
    events,
    hubUrl,
    isReady: () => hub.phase === 'ready',
    isOpen,
    complaint: () => storeWatch.complaint ?? engine.canary?.complaint,
    guard,
    isTrusted,
    isPrivate,
  });
  const kinds = messageKindsOf({ app, takesOver: asksForStream });
  const server = createHubServer(frontDoor({ endpoint, app }), kinds);
  const isReady = (): boolean => hub.phase === 'ready';
  const upgrades = new Upgrades({ ...config, bridge, protocols, admit, isTrusted, hubUrl, isReady });
  takeHandedOver(server, { upgrades, kinds });
  return server;
}
