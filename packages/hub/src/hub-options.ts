import type { Clock, HttpClient, Random, Resolver } from '@websub/shared';
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
  /**
   * Bearer key of the management API, which answers 403 without it unless `dev`. At least 16 characters where other machines
   * reach `host` (not with `dev`). Default none.
   */
  readonly adminKey?: string;
  /** Who may publish without a credential: `open` (content too), `ping` (pings only), `closed`. Default `ping`. */
  readonly publish?: PublishPolicy;
  /** Who may subscribe without a credential: `open` (anybody), `closed` (nobody). Default `open`. */
  readonly read?: ReadPolicy;
  /**
   * JSON Web Key Set with the keys of tokens: a file, or an https URL (http on this machine). Default none: no tokens. With
   * it, `jwtAudience` is needed, and nobody reads `loom/…` without a credential.
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
