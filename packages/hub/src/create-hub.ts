import {
  drainable,
  NetworkPolicy,
  posting,
  systemClock,
  systemRandom,
  systemResolver,
  UndiciHttpClient,
  WebSubError,
} from '@websub/shared';
import { anybodysGrant } from './access/grant.js';
import { NO_TOPIC, union } from './access/topic-scope.js';
import { Bridge } from './bridge/bridge.js';
import { parseWhere } from './bridge/filter.js';
import { NativeProtocol } from './bridge/native/native-protocol.js';
import type { SocketProtocol } from './bridge/socket/protocol.js';
import { CableProtocol } from './bridge/cable/cable-protocol.js';
import { LoomTopics } from './bridge/loom/loom-topics.js';
import { NotifierClients } from './bridge/notifier/notifier-clients.js';
import { NotifierProtocol } from './bridge/notifier/notifier-protocol.js';
import { OwnTopics } from './bridge/own-topics.js';
import { ChannelProtocol } from './bridge/channel/channel-protocol.js';
import { Channels } from './bridge/channel/channels.js';
import { HttpSender } from './delivery/sender.js';
import { Engine } from './engine.js';
import { HubEmitter } from './events.js';
import { createFront, type HubState } from './front.js';
import { Gate } from './gate/gate.js';
import { listen } from './http/server.js';
import type { HubOptions, HubPorts } from './hub-options.js';
import { OptionError } from './option-error.js';
import { isGuessable, resolveOptions, SHORTEST_ADMIN_KEY, type ResolvedOptions } from './options.js';
import { FETCHES_PER_HOST } from './protocol/topic-fetches.js';
import { StoreWatch } from './protocol/store-watch.js';
import { validateAll, validateTopicAddress } from './protocol/validation.js';
import { discardKey, findKeys, KEY_FILE, type FoundKeys } from './store/secrets/find-keys.js';
import { KeyRing } from './store/secrets/key-ring.js';
import type { Store } from './store.js';
import { openSqliteStore } from './store/sqlite/sqlite-store.js';
import { WorkerSender } from './workers/worker-sender.js';

/** A hub that listens, until it is stopped. */
export interface Hub {
  /** What it calls itself: the public URL, else where it listens. */
  readonly url: string;
  /** Everything that happens in it. */
  readonly events: HubEmitter;
  /**
   * Stops gracefully: says that it is not ready and serves for `drainSeconds` more; then takes no new work, lets requests and
   * deliveries in flight settle within their own time limits (at most 15 s), saves every place, closes the store (LAW 11).
   * Stopping twice is harmless. Rejects with `store_full` or `store_failed` when not every place could be saved; it has stopped
   * all the same, and what was not saved is delivered again after the next start.
   */
  stop(): Promise<void>;
}

const CLOSE_GRACE_MS = 10_000;
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/**
 * Opens the store, listens, and goes on with what the last run left. Settles when the hub is ready.
 *
 * Rejects with `invalid_configuration` for a wrong option or an address that cannot be listened on, `store_in_use` when
 * another hub works on the same data, `store_damaged`, `store_newer` or `store_failed` when the store cannot be opened, and
 * `unknown_key` when secrets in it were encrypted with a key that is not given.
 */
export async function createHub(
  options: HubOptions = {},
  events: HubEmitter = new HubEmitter(),
): Promise<Hub> {
  const { ports = {}, validate, ...given } = options;
  const config = resolveOptions(given);
  if (config.workers > 0) refuseForWorkers(ports);
  const { clock = systemClock, random = systemRandom, resolver = systemResolver } = ports;
  const { networks } = config;
  const hub: HubState = { url: '', phase: 'starting' };
  const topicBase = (): string => config.topicBase ?? hub.url;
  const loomTopics = new LoomTopics(topicBase);
  const ownTopics = new OwnTopics(topicBase);

  // Whoever starts the hub says where the keys of tokens are: any address may be theirs.
  const keysHttp =
    ports.http ?? new UndiciHttpClient({ policy: new NetworkPolicy({ allow: EVERYWHERE }), resolver, clock });
  // Loaded by who takes tokens only: what verifies them is a twentieth of a start.
  const tokens =
    config.tokens === null
      ? undefined
      : await (
          await import('./gate/open-tokens.js')
        ).openTokens({
          config: config.tokens,
          http: keysHttp,
          eventsOf: (organisation) => loomTopics.scopeOf(organisation),
          checkCondition: parseWhere,
          clock,
          events,
        });
  const { keys: walletKeySet } = config.waypoint;
  const walletKeys =
    walletKeySet === null
      ? undefined
      : new (await import('./gate/wallet-keys.js')).WalletKeys(walletKeySet, clock);

  const store = await openSqliteStore({
    folder: config.data,
    onFatal: (error) => events.emit('store-lost', { error }),
    onQuarantine: (row) => events.emit('row-quarantined', row),
    onCommit: (durationMs, changes) => events.emit('store-committed', { durationMs, changes }),
  }).catch((error: unknown) => {
    if (!(error instanceof WebSubError) || error.code !== 'invalid_configuration') throw error;
    throw new OptionError('data', error.message);
  });
  const found = await readyKeys(config, store, events);
  if (isGuessable(config)) events.emit('admin-key-guessable', { cure: LONGER_KEY });
  const seal = new KeyRing(found.keys);
  const gate = new Gate({
    credentials: store.credentials,
    // Whoever gives the keys of such a system does not mean that anybody may read what needs them there.
    anybody: anybodysGrant(
      config.openTo,
      union(
        walletKeys === undefined ? NO_TOPIC : ownTopics.scopeOf('wallets'),
        tokens === undefined ? NO_TOPIC : loomTopics.scope(),
      ),
    ),
    adminKey: config.adminKey,
    tokens,
    clock,
    random,
    events,
  });
  const topicAddress = validateTopicAddress({ policy: networks.topics, resolver, clock });
  const validateTopic = validate === undefined ? topicAddress : validateAll(topicAddress, validate);
  const callbackHttp =
    ports.http ??
    new UndiciHttpClient({
      policy: networks.callbacks,
      resolver,
      clock,
      // Deliveries that hang must leave room for the questions that go to the same origin.
      connectionsPerOrigin: config.hostConcurrency + config.verificationsPerHost,
    });
  const workers =
    config.workers === 0
      ? undefined
      : new WorkerSender({
          ...config,
          policy: networks.callbacks,
          connectionsPerOrigin: config.hostConcurrency,
          clock,
          events,
        });
  const engine: Engine = new Engine({
    config,
    store,
    seal,
    clock,
    random,
    callbackHttp,
    sender: workers ?? new HttpSender(posting(callbackHttp)),
    topicHttp:
      ports.http ??
      new UndiciHttpClient({
        policy: networks.topics,
        resolver,
        clock,
        connectionsPerOrigin: FETCHES_PER_HOST,
      }),
    validate: validateTopic,
    gate,
    events,
    isRead: (topic) => bridge.isRead(topic),
    hubUrl: () => hub.url,
  });
  const bridge: Bridge = new Bridge({
    ...config,
    log: engine.log,
    gate,
    bounds: config.streams,
    consumers: store.consumers,
    clock,
    random,
    events,
    ownTopics,
  });
  const channels = new Channels({ ...config, bridge, validate: validateTopic, hubUrl: () => hub.url });
  const clients = new NotifierClients();
  const protocols: readonly SocketProtocol[] = [
    new ChannelProtocol({ bridge, channels }),
    new NotifierProtocol({ bridge, clients }),
    new CableProtocol({
      bridge,
      topics: loomTopics,
      streamsSecret: config.streamsSecret,
    }),
    new NativeProtocol({ bridge, publications: engine.publications, admission: engine.admission }),
  ];
  const storeWatch = new StoreWatch({ lateMs: () => store.lateMs(), clock, events });
  const server = createFront({
    config,
    hub,
    clock,
    events,
    registry: store.registry,
    storeWatch,
    seal,
    gate,
    walletKeys,
    engine,
    bridge,
    channels,
    protocols,
    loomTopics,
    notifierClients: clients,
  });
  const { drain, cut } = drainable(server);
  const stop = async (): Promise<void> => {
    const wasReady = hub.phase === 'ready';
    hub.phase = 'draining';
    bridge.drain();
    if (wasReady && config.drainMs > 0)
      await new Promise<void>((resolve) => clock.after(config.drainMs, resolve));
    hub.phase = 'closing';
    const cancelCut = clock.after(CLOSE_GRACE_MS, cut);
    // The port stays open meanwhile, so that whoever asks hears that it is not ready.
    await engine.deliveries.stop();
    await drain();
    cancelCut();
    // A full disk must not leave threads, connections and the lock on the data behind.
    await allInTurn([
      () => bridge.stop(),
      () => engine.stop(),
      () => workers?.stop(),
      () => keysHttp.close(),
      () => store.close(),
      () => storeWatch.stop(),
    ]);
  };

  try {
    const listensAt = await listen(server, config.host, config.port);
    hub.url = config.publicUrl ?? listensAt;
    await workers?.start();
    await engine.start();
    await bridge.start();
    storeWatch.start();
    hub.phase = 'ready';
    events.emit('listening', { url: listensAt });
  } catch (error) {
    // What went wrong first is what its user can mend.
    await stop().catch(() => undefined);
    if (error instanceof WebSubError && error.code === 'unknown_key') discardKey(found);
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    get url() {
      return hub.url;
    },
    events,
    stop: () => (stopping ??= stop()),
  };
}

/** Takes one step after the other, whatever becomes of those before; then rejects with what failed first. */
async function allInTurn(steps: readonly (() => Promise<void> | void | undefined)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** What belongs to one thread cannot be given to others. */
function refuseForWorkers({ http, resolver, clock }: HubPorts): void {
  if (http === undefined && resolver === undefined && clock === undefined) return;
  throw new OptionError(
    'workers',
    'cannot take an HTTP client, resolver or clock from another thread: leave those ports out, or give 0',
  );
}

/** What opens and seals secrets; the store is closed again when the keys cannot be had. */
async function readyKeys(config: ResolvedOptions, store: Store, events: HubEmitter): Promise<FoundKeys> {
  try {
    const found = findKeys({
      data: config.data,
      keys: config.secretKey,
      keyFile: config.secretKeyFile,
      dev: config.dev,
    });
    if (found.from !== 'given') events.emit('secrets-exposed', { cure: EXPOSED[found.from] });
    return found;
  } catch (error) {
    await store.close();
    throw error;
  }
}

const LONGER_KEY = `the admin key has fewer than ${SHORTEST_ADMIN_KEY} characters: choose a longer one before anybody else reaches this hub`;

const EXPOSED = {
  'beside-the-data': `the key of the secrets lies beside the data (${KEY_FILE}): keep one elsewhere and give it by --secret-key-file or WEBSUB_SECRET_KEY`,
  none: 'secrets are kept unencrypted, as there is no key: give one by --secret-key-file or WEBSUB_SECRET_KEY',
} as const;
