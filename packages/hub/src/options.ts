import {
  NetworkPolicy,
  parseWebUrl,
  WebSubError,
  type Clock,
  type HttpClient,
  type Random,
  type Resolver,
} from '@websub/shared';
import { z } from 'zod';
import {
  DEFAULT_OVERLOAD_FLOOR_MS,
  DEFAULT_RETRY_DELAYS_SECONDS,
  DEFAULT_SUSPEND_AFTER_SECONDS,
  type PatienceOptions,
} from './delivery/patience.js';
import type { OpenTo } from './access/grant.js';
import type { StreamBounds } from './bridge/streams.js';
import type { WalletKeySet } from './gate/wallet-keys.js';
import type { Retention } from './log/log.js';
import type { LeaseBounds, NetworkPolicies } from './protocol/acceptance.js';
import type { Validate } from './protocol/validation.js';

export const PUBLISH_POLICIES = ['open', 'ping', 'closed'] as const;
export type PublishPolicy = (typeof PUBLISH_POLICIES)[number];

export const READ_POLICIES = ['open', 'closed'] as const;
export type ReadPolicy = (typeof READ_POLICIES)[number];

/** Options of a hub. Each is also a flag and an environment variable of `websub-hub start`. */
export interface HubOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on; 0 takes a free one. Default 8080. */
  readonly port?: number;
  /** What the hub calls itself in Link headers, as publishers advertise it. Default `http://host:port/`. */
  readonly publicUrl?: string;
  /**
   * The URL below which the hub names topics itself, for systems that it stands in for: `targets/…`, `wallets/…`, `clients/…`, `loom/…`.
   * Default: the public URL. Written down, it stays the same when that changes.
   */
  readonly topicBase?: string;
  /**
   * Secret (HS256) of the tokens that acapy-cloud gives its tenants: with any of these three, who waits for the events of a
   * wallet needs its `x-api-key`, and nobody reads `wallets/…` without a credential. At least 32 characters (not with `dev`).
   * Default none.
   */
  readonly waypointJwtSecret?: string;
  /** Keys of tenant admins: `GROUP=KEY` for the wallets of a group, `KEY` for all. At least 16 characters each (not with `dev`). */
  readonly waypointAdminKeys?: readonly string[];
  /** Key of governance. At least 16 characters (not with `dev`). Default none. */
  readonly waypointGovernanceKey?: string;
  /** Seconds that a wait for the event of a wallet lasts. Default 60. */
  readonly waypointTimeout?: number;
  /** Folder of the embedded store; `:memory:` keeps nothing. Default `./websub-data`. */
  readonly data?: string;
  /** Development: loopback addresses allowed, publishing and the management API open, no rate limits. Default false. */
  readonly dev?: boolean;
  /** Bearer key of the management API, which answers 403 without it unless `dev`. At least 16 characters. Default none. */
  readonly adminKey?: string;
  /** Who may publish without a credential: `open` (content too), `ping` (pings only), `closed`. Default `ping`. */
  readonly publish?: PublishPolicy;
  /** Who may subscribe without a credential: `open` (anybody), `closed` (nobody). Default `open`. */
  readonly read?: ReadPolicy;
  /**
   * JSON Web Key Set with the keys of tokens: a file, or an https URL (http on this machine). Default none: no tokens. With
   * it, `jwtAudience` is needed.
   */
  readonly jwtKeys?: string;
  /** What the `aud` of a token has to be. */
  readonly jwtAudience?: string;
  /** What the `iss` of a token has to be. Default: anything. */
  readonly jwtIssuer?: string;
  /**
   * With which applications sign the names of streams (`signed_stream_name` of AnyCable's clients): at least 16 characters.
   * Default none: no signature counts.
   */
  readonly streamsSecret?: string;
  /** Whether a credential may be shown as `?token=` or `?jid=`, where proxies and browsers keep it. Default false. */
  readonly queryToken?: boolean;
  /** Origins whose pages may read topics in a browser, such as `https://shop.example`; `*` for all. Default none (`dev`: all). */
  readonly corsOrigins?: readonly string[];
  /** Streams (SSE, waiting requests) at a time in all. Default 12,000. */
  readonly maxStreams?: number;
  /** Streams at a time from one address. Default 200 (`dev`: as many as in all). */
  readonly streamsPerAddress?: number;
  /** Streams at a time of one subject (`sub`) of tokens. Default 20 (`dev`: as many as in all). */
  readonly streamsPerSubject?: number;
  /** Seconds after which a named consumer that nobody uses is removed. Default 604,800 (7 days). */
  readonly consumerExpiry?: number;
  /** CIDR ranges exempt from the ban on addresses that are not public, for callbacks and topics. Default none. */
  readonly allowNetwork?: readonly string[];
  /** Further ones, for callbacks only: where the hub may verify and deliver. Default none. */
  readonly allowCallbackNetwork?: readonly string[];
  /** Further ones, for topics only: where the hub may fetch. Default none. */
  readonly allowTopicNetwork?: readonly string[];
  /** Bounds of a lease in seconds; a request outside is brought inside. Defaults 300 (`dev`: 1), 2,592,000, 864,000. */
  readonly minLease?: number;
  readonly maxLease?: number;
  readonly defaultLease?: number;
  /** Bytes of one update, by ping or by content. Default 5,242,880. */
  readonly maxBody?: number;
  /** Seconds before each further delivery attempt; after the last comes the dead letter. Default: 13 delays, 2.65 days in all. */
  readonly retryDelays?: readonly number[];
  /**
   * Seconds of failures without a success after which a subscription is suspended: each update is tried once, until one
   * succeeds, the subscriber subscribes again, or the lease ends. Default 259,200 (3 days).
   */
  readonly suspendAfter?: number;
  /**
   * Spare callback origins that fail (20 in a row, or half of at least 20 in a minute): deliveries wait for a probe, every
   * 30 s to 10 min. Default true (`dev`: false, since there all callbacks share the loopback address).
   */
  readonly breaker?: boolean;
  /** Deliveries in flight per callback host. Default 10 (`dev`: 64). */
  readonly hostConcurrency?: number;
  /** Subscriptions in all; further ones are answered 429. Default 2,000,000 (not with `dev`). */
  readonly maxSubscriptions?: number;
  /** Deliveries in flight in all. Default 512 (`dev`: 1,024). */
  readonly maxInFlight?: number;
  /**
   * Threads that sign and send deliveries, besides the hub's own, so that further processors count; at most 64. Not with the
   * ports http, resolver or clock. Default 0: the hub's own thread does it.
   */
  readonly workers?: number;
  /** Seconds that an entry stays in the log. Default 1,209,600 (14 days). */
  readonly retainSeconds?: number;
  /** Entries that stay in the log. Default 1,000,000. */
  readonly retainEntries?: number;
  /** Bytes of content that stay in the log. Default 4 GiB. */
  readonly retainBytes?: number;
  /** Seconds between the updates that the hub sends through itself, to see that it works. 0 turns that off. Default 10. */
  readonly canarySeconds?: number;
  /**
   * Seconds for which a hub that is to stop says that it is not ready and still serves, so that whoever passes traffic on to
   * it notices first. At most 15. Default 0; `websub-hub start` without `dev` takes 2.
   */
  readonly drainSeconds?: number;
  /** Proxies (CIDR ranges) whose `X-Forwarded-For` tells the client's address. Default none. */
  readonly trustProxy?: readonly string[];
  /**
   * Keys that encrypt subscribers' secrets at rest: the first encrypts, all decrypt. At least 32 characters each; make one
   * with `openssl rand -base64 32`. Default: a key in the data folder; with `dev` none.
   */
  readonly secretKey?: readonly string[];
  /** A file with such keys, one in each line. */
  readonly secretKeyFile?: string;
  /** Refuses subscriptions by the reason it settles with; the callback is then told `hub.mode=denied` (section 5.2). Default: takes all. */
  readonly validate?: Validate;
  /** The world, replaced in tests. */
  readonly ports?: HubPorts;
}

export interface HubPorts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly resolver?: Resolver;
  /** Makes every outbound request; replaces the guarded client, network policy included. Not with `workers`. */
  readonly http?: HttpClient;
}

const TEN_YEARS_SECONDS = 315_360_000;
const seconds = z
  .int('is not a whole number of seconds')
  .min(1, 'is less than 1 second: give 1 or more')
  .max(TEN_YEARS_SECONDS, 'is longer than ten years: give less');
const count = z.int('is not a whole number: give 1 or more').min(1, 'is less than 1: give 1 or more');
const MOST_WORKERS = 64;
const port = 'is not a port: give a whole number from 0 to 65535';
const ranges = z.array(z.string().refine(isCidr, 'is not CIDR: write ranges like 10.0.0.0/8')).default([]);

/** The checks, with the sentences that people read; `HubOptions` is the contract. */
const schema = z.strictObject({
  host: z.string().min(1, 'is empty: give an address such as 127.0.0.1').default('127.0.0.1'),
  port: z.int(port).min(0, port).max(65_535, port).default(8080),
  publicUrl: z
    .string()
    .refine(isWebUrl, 'is not an absolute http or https URL: write https://hub.example.com/')
    .optional(),
  topicBase: z
    .string()
    .refine(isTopicBase, 'is no http or https URL that ends with a slash: write https://hub.example.com/')
    .optional(),
  waypointJwtSecret: z.string().min(1, 'is empty: give the secret of the tokens').optional(),
  waypointAdminKeys: z.array(z.string().min(1, 'has an empty key: write GROUP=KEY')).default([]),
  waypointGovernanceKey: z.string().min(1, 'is empty: give a key').optional(),
  waypointTimeout: seconds.max(3_600, 'is longer than an hour: give less').default(60),
  data: z.string().min(1, 'is empty: name a folder, or :memory:').default('./websub-data'),
  dev: z.boolean().default(false),
  adminKey: z.string().min(16, 'has fewer than 16 characters: choose a longer key').optional(),
  publish: z.enum(PUBLISH_POLICIES, `is none of ${PUBLISH_POLICIES.join(', ')}: choose one`).default('ping'),
  read: z.enum(READ_POLICIES, `is none of ${READ_POLICIES.join(', ')}: choose one`).default('open'),
  jwtKeys: z
    .string()
    .min(1, 'is empty: name a file or a URL')
    .refine(isKeySetAddress, 'is a URL that others can tamper with: use https, or a file')
    .optional(),
  jwtAudience: z.string().min(1, 'is empty: name what the aud of tokens has to be').optional(),
  jwtIssuer: z.string().min(1, 'is empty: name what the iss of tokens has to be').optional(),
  streamsSecret: z.string().min(16, 'has fewer than 16 characters: choose a longer secret').optional(),
  queryToken: z.boolean().default(false),
  corsOrigins: z
    .array(z.string().refine(isOrigin, 'is not an origin: write https://shop.example, or *'))
    .optional(),
  maxStreams: count.default(12_000),
  streamsPerAddress: count.optional(),
  streamsPerSubject: count.optional(),
  consumerExpiry: seconds.default(604_800),
  allowNetwork: ranges,
  allowCallbackNetwork: ranges,
  allowTopicNetwork: ranges,
  minLease: seconds.optional(),
  maxLease: seconds.default(2_592_000),
  defaultLease: seconds.default(864_000),
  maxBody: count.default(5_242_880),
  retryDelays: z
    .array(
      z
        .number('is not a list of seconds: write 5,30,120')
        .min(0, 'has a negative delay: give seconds from now')
        .max(TEN_YEARS_SECONDS, 'has a delay of more than ten years: give less'),
    )
    .max(50, 'has more than 50 delays: give fewer, longer ones')
    .optional(),
  suspendAfter: seconds.default(DEFAULT_SUSPEND_AFTER_SECONDS),
  breaker: z.boolean().optional(),
  hostConcurrency: count.optional(),
  maxSubscriptions: count.default(2_000_000),
  maxInFlight: count.optional(),
  workers: z
    .int('is not a whole number of threads: give 0 to 64')
    .min(0, 'is negative: give 0 to 64 threads')
    .max(MOST_WORKERS, 'is more than 64 threads: give one for each processor to spare')
    .default(0),
  retainSeconds: seconds.default(1_209_600),
  retainEntries: count.default(1_000_000),
  retainBytes: count.default(4 * 1024 ** 3),
  secretKey: z
    .array(z.string().min(32, 'has fewer than 32 characters: make one with openssl rand -base64 32'))
    .default([]),
  secretKeyFile: z.string().min(1, 'is empty: name a file').optional(),
  canarySeconds: z
    .int('is not a whole number of seconds: give one, or 0 to turn it off')
    .min(0, 'is negative: give seconds, or 0 to turn it off')
    .default(10),
  drainSeconds: z
    .number('is not a number of seconds: give 0 to 15')
    .min(0, 'is negative: give 0 to 15 seconds')
    .max(15, 'is more than 15 seconds: give 0 to 15')
    .default(0),
  trustProxy: ranges,
});

/** Names of the options that can be written down, for flags, environment and config file. */
export const OPTION_NAMES = Object.keys(schema.shape) as readonly (keyof z.output<typeof schema>)[];
export type OptionName = (typeof OPTION_NAMES)[number];

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
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw toOptionError(parsed.error.issues[0]);
  const { dev, ...given } = parsed.data;
  const minSeconds = given.minLease ?? (dev ? 1 : 300);
  if (minSeconds > given.maxLease) {
    throw given.minLease === undefined
      ? new OptionError(
          'maxLease',
          `is less than the shortest lease, ${minSeconds} s: raise it or lower min-lease`,
        )
      : new OptionError('minLease', 'is greater than the longest lease: lower it or raise max-lease');
  }
  return {
    ...given,
    publicUrl: given.publicUrl,
    topicBase: given.topicBase,
    waypoint: waypointOptions(parsed.data),
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
    tokens: tokenOptions(parsed.data),
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

/** A wrong option; the message reads on after the option's name. */
export class OptionError extends WebSubError {
  readonly option: string;
  readonly complaint: string;

  constructor(option: string, complaint: string) {
    super('invalid_configuration', `${option} ${complaint}`);
    this.option = option;
    this.complaint = complaint;
  }
}

function networkPolicy(dev: boolean, ...allowed: readonly (readonly string[])[]): NetworkPolicy {
  return new NetworkPolicy({ allowLoopback: dev, allow: allowed.flat() });
}

function tokenOptions({ jwtKeys, jwtAudience, jwtIssuer }: z.output<typeof schema>): TokenOptions | null {
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
}: z.output<typeof schema>): WaypointOptions {
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

function toOptionError(issue: z.core.$ZodIssue | undefined): OptionError {
  if (issue?.code === 'unrecognized_keys') {
    return new OptionError(issue.keys[0] ?? '', `is not an option: use one of ${OPTION_NAMES.join(', ')}`);
  }
  return new OptionError(String(issue?.path[0] ?? 'options'), issue?.message ?? 'are wrong');
}

function isWebUrl(value: string): boolean {
  return doesNotThrow(() => parseWebUrl(value, 'publicUrl'));
}

/** Names are put behind it. */
function isTopicBase(value: string): boolean {
  return isWebUrl(value) && value.endsWith('/') && !value.includes('?');
}

/** A file; or a URL that nobody on the way can change: https, or http on this machine. */
function isKeySetAddress(value: string): boolean {
  if (!/^https?:/i.test(value)) return true;
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function isOrigin(value: string): boolean {
  return value === '*' || (URL.canParse(value) && new URL(value).origin === value);
}

function isCidr(value: string): boolean {
  return doesNotThrow(() => new NetworkPolicy({ allow: [value] }));
}

function doesNotThrow(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
