import type { Principal } from './principal.js';
import { common, EVERY_TOPIC, NO_TOPIC, union, without, type TopicScope } from './topic-scope.js';

/** What may be done with a topic. A `ping` says that it changed; `publish` gives its content. */
export type TopicAction = 'ping' | 'publish' | 'register' | 'read';

/** What a credential gives less of than others of its topics. */
export interface Restrictions {
  /** Conditions on entries, as readers write them (`payload.state=done`): all hold of whatever is given. */
  readonly where: readonly string[];
  /** Streams at a time; `null` for as many as the hub allows. */
  readonly streams: number | null;
}

/** What somebody may do, and until when. It never changes; a revocation ends it. */
export interface Grant {
  /** Absent for anybody. */
  readonly principal?: Principal;
  /** Whose events it is for, where a token says so. */
  readonly organisation?: string;
  /** The management API. */
  readonly manages: boolean;
  readonly scopes: Readonly<Record<TopicAction, TopicScope>>;
  /** Absent: none. */
  readonly restrictions?: Restrictions | undefined;
  /** Milliseconds since the epoch; `Infinity` for never. */
  readonly endsAt: number;
}

/** What anybody has: nobody can take it away. */
export function isForever({ principal, endsAt }: Grant): boolean {
  return principal === undefined && endsAt === Infinity;
}

/** The one decision about access: whether the grant, while it lasts, allows this (LAW 13). */
export function may(grant: Grant, action: 'manage'): boolean;
export function may(grant: Grant, action: TopicAction, topic: string): boolean;
export function may(grant: Grant, action: TopicAction | 'manage', topic = ''): boolean {
  return action === 'manage' ? grant.manages : grant.scopes[action].includes(topic);
}

/** Whether all entries of the topic may be given, without a look at each: where it is not the hub that reads them out. */
export function mayReadAll(grant: Grant, topic: string): boolean {
  return may(grant, 'read', topic) && (grant.restrictions?.where ?? []).length === 0;
}

/** What anybody may do, without a credential. */
export interface OpenTo {
  readonly pings: boolean;
  readonly content: boolean;
  readonly reading: boolean;
  /** Registering topics and the management API, as in development. */
  readonly management: boolean;
}

/** `secret` are topics that nobody reads without a credential, whatever else is open. */
export function anybodysGrant(
  { pings, content, reading, management }: OpenTo,
  secret: TopicScope = NO_TOPIC,
): Grant {
  const every = (open: boolean): TopicScope => (open ? EVERY_TOPIC : NO_TOPIC);
  return {
    manages: management,
    scopes: {
      ping: every(pings),
      publish: every(content),
      register: every(management),
      read: without(every(reading), secret),
    },
    endsAt: Infinity,
  };
}

/** Topics to publish to and topics to read. */
export interface Scopes {
  readonly publish: TopicScope;
  readonly read: TopicScope;
}

/** What a credential gives. */
export interface Rights extends Scopes {
  readonly principal: Principal;
  readonly organisation?: string | undefined;
  readonly manages: boolean;
  readonly restrictions?: Restrictions | undefined;
  readonly endsAt: number;
}

/** These rights, and whatever anybody may do. Who may publish to a topic may ping and register it. */
export function grantOf(
  { principal, organisation, publish, read, manages, restrictions, endsAt }: Rights,
  anybody: Grant,
): Grant {
  const { scopes } = anybody;
  return {
    principal,
    ...(organisation === undefined ? {} : { organisation }),
    ...(restrictions === undefined ? {} : { restrictions }),
    manages: manages || anybody.manages,
    scopes: {
      ping: union(publish, scopes.ping),
      publish: union(publish, scopes.publish),
      register: union(publish, scopes.register),
      read: union(read, scopes.read),
    },
    endsAt,
  };
}

/** The same grant for fewer topics and without the management API. */
export function narrowed(grant: Grant, { publish, read }: Scopes): Grant {
  const { scopes } = grant;
  return {
    ...grant,
    manages: false,
    scopes: {
      ping: common(publish, scopes.ping),
      publish: common(publish, scopes.publish),
      register: common(publish, scopes.register),
      read: common(read, scopes.read),
    },
  };
}
