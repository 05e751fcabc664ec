import { gapView, type Gap } from '../gap.js';
import type { PresenceChange, PresenceRecord } from '../presence.js';

/** Why a connection ends. */
export type DisconnectReason =
  'unauthorized' | 'invalid_request' | 'server_restart' | 'remote' | 'token_expired' | 'too_many' | 'stalled';

/** Who is there, as AnyCable tells it. */
export type PresenceMessage =
  | PresenceChange
  | { readonly type: 'info'; readonly total: number; readonly records: readonly PresenceRecord[] }
  | { readonly type: 'error' };

/** What the hub says to a subscription that asked for it (`control`), inside an ordinary message. */
export type ControlMessage =
  | { readonly $hub: 'live' | 'rewound' | 'acked' | 'paused' | 'resumed'; readonly cursor: string }
  | { readonly $hub: 'error'; readonly action: string; readonly error: string };

export function disconnect(reason: DisconnectReason, reconnect: boolean): string {
  return JSON.stringify({ type: 'disconnect', reason, reconnect });
}

/** `at` is milliseconds since the epoch. */
export function ping(at: number): string {
  return JSON.stringify({ type: 'ping', message: Math.floor(at / 1000) });
}

/** The name of a session goes to clients of the extended protocol only; `restored` are the identifiers that live on. */
export function welcome(session?: {
  readonly sid: string;
  readonly restored: readonly string[] | undefined;
}): string {
  if (session === undefined) return JSON.stringify({ type: 'welcome' });
  const { sid, restored } = session;
  return JSON.stringify({
    type: 'welcome',
    sid,
    ...(restored === undefined ? {} : { restored: true, restored_ids: restored }),
  });
}

/** The identifier is said again letter for letter: it is how a client finds its subscription. */
export function verdict(
  type: 'confirm_subscription' | 'reject_subscription' | 'confirm_history' | 'reject_history',
  identifier: string,
): string {
  return JSON.stringify({ type, identifier });
}

export function presence(identifier: string, message: PresenceMessage): string {
  return JSON.stringify({ type: 'presence', identifier, message });
}

export function control(identifier: string, message: ControlMessage): string {
  return JSON.stringify({ identifier, message });
}

export function gapMessage(identifier: string, gap: Gap): string {
  return JSON.stringify({ identifier, message: { $hub: 'gap', ...(gapView(gap) as object) } });
}
