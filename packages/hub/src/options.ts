import { NetworkPolicy } from '@websub/shared';
import type { OpenTo } from './access/grant.js';
import type { StreamBounds } from './bridge/streams.js';
import {
  DEFAULT_OVERLOAD_FLOOR_MS,
  DEFAULT_RETRY_DELAYS_SECONDS,
  type PatienceOptions,
} from './delivery/patience.js';
import type { WalletKeySet } from './gate/wallet-keys.js';
import type { HubOptions } from './hub-options.js';
import type { Retention } from './log/log.js';
import { checkOptions, type CheckedOptions } from './option-checks.js';
import { OptionError } from './option-error.js';
import type { LeaseBounds, NetworkPolicies } from './protocol/acceptance.js';

/** Options checked and completed, in the units that the hub works with. */
export interface ResolvedOptions {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  /** `undefined`: below the public URL. */
  readonly topicBase: string | undefined;
  readonly waypoint: WaypointOptions;
  readonly data: string;
  readonly dev: boolean;
  readonly adminKey: string | undefined;
  readonly openTo: OpenTo;
  /** `null`: no tokens are taken. */
  readonly tokens: TokenOptions | null;
  readonly streamsSecret: string | undefined;
  readonly queryToken: boolean;
  readonly corsOrigins: readonly string[];
  readonly streams: StreamBounds;
  readonly consumerExpiryMs: number;
  readonly networks: NetworkPolicies;
  readonly lease: LeaseBounds;
  readonly maxBodyBytes: number;
  readonly patience: PatienceOptions;
  readonly breaker: boolean;
  readonly hostConcurrency: number;
  readonly maxSubscriptions: number;
  readonly maxInFlight: number;
  readonly workers: number;
  readonly verificationsPerHost: number;
  readonly retention: Retention;
  /** `null` is off. */
  readonly canaryMs: number | null;
  readonly drainMs: number;
  readonly trustProxy: readonly string[];
  readonly secretKey: readonly string[];
  readonly secretKeyFile: string | undefined;
}

/** How the hub stands in for Waypoint. */
export interface WaypointOptions {
  /** `null`: the hub's own rules say who may read. */
  readonly keys: WalletKeySet | null;
  readonly timeoutMs: number;
}

/** Whose tokens are taken. */
export interface TokenOptions {
  /** File or URL of the key set. */
  readonly keys: string;
  readonly audience: string;
  readonly issuer: string | undefined;
}

/** Throws `invalid_configuration` with `option` and a sentence that tells the cure. */
export function resolveOptions(options: Omit<HubOptions, 'ports' | 'validate'>): ResolvedOptions {
  const checked = checkOptions(options);
  const { dev, ...given } = checked;
  const minSeconds = given.minLease ?? (dev ? 1 : 300);
  if (minSeconds > given.maxLease) {
    throw given.minLease === undefined
      ? new OptionError(
          'maxLease',
          `is less than the shortest lease, ${minSeconds} s: raise it or lower the shortest`,
        )
      : new OptionError('minLease', 'is greater than the longest lease: lower it or raise the longest');
  }
  if (isGuessable(checked) && !isOfThisMachine(given.host))
    throw new OptionError(
      'adminKey',
      `has fewer than ${SHORTEST_ADMIN_KEY} characters: choose a longer key, or listen on 127.0.0.1`,
    );
  return {
    ...given,
    publicUrl: given.publicUrl,
    topicBase: given.topicBase,
    waypoint: waypointOptions(checked),
    adminKey: given.adminKey,
    secretKeyFile: given.secretKeyFile,
    streamsSecret: given.streamsSecret,
    dev,
    openTo: {
      pings: dev || given.publish !== 'closed',
      content: dev || given.publish === 'open',
      reading: dev || given.read === 'open',
      management: dev,
    },
    tokens: tokenOptions(checked),
    corsOrigins: given.corsOrigins ?? (dev ? ['*'] : []),
    streams: {
      inAll: given.maxStreams,
      perAddress: given.streamsPerAddress ?? (dev ? given.maxStreams : 200),
      perSubject: given.streamsPerSubject ?? (dev ? given.maxStreams : 20),
    },
    consumerExpiryMs: given.consumerExpiry * 1000,
    networks: {
      callbacks: networkPolicy(dev, given.allowNetwork, given.allowCallbackNetwork),
      topics: networkPolicy(dev, given.allowNetwork, given.allowTopicNetwork),
    },
    lease: { minSeconds, maxSeconds: given.maxLease, defaultSeconds: given.defaultLease },
    maxBodyBytes: given.maxBody,
    patience: {
      retryDelaysMs: (given.retryDelays ?? DEFAULT_RETRY_DELAYS_SECONDS).map((delay) => delay * 1000),
      // Who writes down a schedule means it.
      overloadFloorMs: given.retryDelays === undefined ? DEFAULT_OVERLOAD_FLOOR_MS : 0,
      suspendAfterMs: given.suspendAfter * 1000,
    },
    breaker: given.breaker ?? !dev,
    hostConcurrency: given.hostConcurrency ?? (dev ? 64 : 10),
    maxInFlight: given.maxInFlight ?? (dev ? 1_024 : 512),
    verificationsPerHost: dev ? 64 : 2,
    canaryMs: given.canarySeconds === 0 ? null : given.canarySeconds * 1000,
    drainMs: given.drainSeconds * 1000,
    retention: { ageMs: given.retainSeconds * 1000, count: given.retainEntries, bytes: given.retainBytes },
  };
}

/** Characters: what is shorter may be found by trying. */
export const SHORTEST_ADMIN_KEY = 16;

/** Whether the admin key could be found by trying. In development there is nothing that it opens. */
export function isGuessable({
  dev,
  adminKey,
}: {
  readonly dev: boolean;
  readonly adminKey?: string | undefined;
}): boolean {
  return !dev && adminKey !== undefined && adminKey.length < SHORTEST_ADMIN_KEY;
}

const THIS_MACHINE = new NetworkPolicy({ allowLoopback: true });

function isOfThisMachine(host: string): boolean {
  return host === 'localhost' || THIS_MACHINE.exempts(host);
}

function networkPolicy(dev: boolean, ...allowed: readonly (readonly string[])[]): NetworkPolicy {
  return new NetworkPolicy({ allowLoopback: dev, allow: allowed.flat() });
}

function tokenOptions({ jwtKeys, jwtAudience, jwtIssuer }: CheckedOptions): TokenOptions | null {
  if (jwtKeys === undefined) {
    if (jwtAudience === undefined && jwtIssuer === undefined) return null;
    throw new OptionError('jwtKeys', 'is missing: name the keys that tokens are signed with');
  }
  if (jwtAudience === undefined)
    throw new OptionError('jwtAudience', 'is missing: name what the aud of tokens has to be');
  return { keys: jwtKeys, audience: jwtAudience, issuer: jwtIssuer };
}

// Of HMAC a key shorter than the hash is guessable (RFC 7518, section 3.2).
const SHORTEST_JWT_SECRET = 32;
const SHORTEST_WAYPOINT_KEY = 16;

function waypointOptions({
  dev,
  waypointJwtSecret: jwtSecret,
  waypointAdminKeys,
  waypointGovernanceKey: governanceKey,
  waypointTimeout,
}: CheckedOptions): WaypointOptions {
  const timeoutMs = waypointTimeout * 1000;
  const adminKeys = waypointAdminKeys.map((written) => {
    const [, group, key] = /^([^=]+)=(.+)$/.exec(written) ?? [];
    return { group: group ?? null, key: key ?? written };
  });
  const check = (option: string, text: string | undefined, shortest: number): void => {
    if (!dev && text !== undefined && text.length < shortest)
      throw new OptionError(option, `has fewer than ${shortest} characters: choose a longer one`);
  };
  check('waypointJwtSecret', jwtSecret, SHORTEST_JWT_SECRET);
  check('waypointGovernanceKey', governanceKey, SHORTEST_WAYPOINT_KEY);
  for (const { key } of adminKeys) check('waypointAdminKeys', key, SHORTEST_WAYPOINT_KEY);
  const isOpen = jwtSecret === undefined && governanceKey === undefined && adminKeys.length === 0;
  return { keys: isOpen ? null : { jwtSecret, adminKeys, governanceKey }, timeoutMs };
}
