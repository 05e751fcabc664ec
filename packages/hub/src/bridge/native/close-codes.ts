import type { SocketEnd } from '../socket/protocol.js';

/** How a connection ends: 40xx and those of RFC 6455 mean that coming back makes sense, 44xx that it would be in vain. */
export interface Closing {
  readonly code: number;
  readonly reconnect: boolean;
}

export const CLOSINGS: Readonly<Record<SocketEnd, Closing>> = {
  drain: { code: 4001, reconnect: true },
  max_age: { code: 4002, reconnect: true },
  stalled: { code: 4008, reconnect: true },
  // Of these only subscriptions end, which are told so one by one.
  taken_over: { code: 4009, reconnect: false },
  sought: { code: 4009, reconnect: true },
  removed: { code: 4009, reconnect: false },
  no_pong: { code: 4012, reconnect: true },
  busy: { code: 4013, reconnect: true },
  bad_frame: { code: 4400, reconnect: false },
  unauthorized: { code: 4401, reconnect: false },
  expired: { code: 4401, reconnect: false },
  gap: { code: 4410, reconnect: false },
  too_large: { code: 1009, reconnect: false },
  rate: { code: 4429, reconnect: false },
  revoked: { code: 4499, reconnect: false },
  failed: { code: 1011, reconnect: true },
  closed: { code: 1000, reconnect: false },
  client: { code: 1000, reconnect: false },
  limit: { code: 1000, reconnect: false },
  timeout: { code: 1000, reconnect: true },
};

/** Errors that end no connection, in the same numbers. */
export const ERRORS = {
  invalid: { code: 4400, retry: false },
  unknown_sid: { code: 4400, retry: false },
  sid_taken: { code: 4400, retry: false },
  unauthorized: { code: 4401, retry: false },
  forbidden_topic: { code: 4403, retry: false },
  no_consumer: { code: 4400, retry: false },
  taken_over: { code: 4009, retry: false },
  sought: { code: 4009, retry: true },
  removed: { code: 4009, retry: false },
  gap: { code: 4410, retry: false },
  too_many_subs: { code: 4429, retry: false },
  rate: { code: 4429, retry: true },
  busy: { code: 4013, retry: true },
  failed: { code: 4013, retry: true },
} as const;
export type ErrorName = keyof typeof ERRORS;
