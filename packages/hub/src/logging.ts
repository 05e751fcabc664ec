import { reasonOf, urlForLogs } from '@websub/shared';
import { createHash } from 'node:crypto';
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { HubEmitter, HubEvents } from './events.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const LEVEL_OF: Readonly<Record<keyof HubEvents, 'error' | 'warn' | 'info' | 'debug' | 'trace'>> = {
  listening: 'info',
  'subscription-requested': 'debug',
  'subscription-activated': 'info',
  'subscription-renewed': 'info',
  'subscription-ended': 'info',
  'subscription-suspended': 'warn',
  'subscription-recovered': 'info',
  'subscription-paused': 'info',
  'subscription-resumed': 'info',
  'subscription-denied': 'warn',
  'verification-attempted': 'debug',
  'verification-failed': 'warn',
  'entry-appended': 'info',
  'entry-delivered': 'debug',
  'delivery-failed': 'warn',
  'dead-letter': 'warn',
  'dead-letters-dropped': 'warn',
  'dead-letter-redelivered': 'info',
  'host-held': 'warn',
  'host-released': 'info',
  'credential-created': 'info',
  'access-revoked': 'info',
  'topic-pinged': 'debug',
  'topic-fetched': 'info',
  'topic-fetch-failed': 'warn',
  'secrets-resealed': 'info',
  'secrets-exposed': 'warn',
  'row-quarantined': 'error',
  'log-trimmed': 'info',
  'canary-returned': 'trace',
  'canary-late': 'error',
  'store-committed': 'trace',
  'store-stalled': 'error',
  'store-resumed': 'info',
  'store-lost': 'error',
  fault: 'error',
};

/** JSON lines on standard output, or readable ones for a person who watches. */
export function createLogger(options: { readonly level: LogLevel; readonly readable: boolean }): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    // In this thread: a transport's worker would lose the last lines when the process ends.
    options.readable
      ? pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' })
      : pino.destination({ sync: true }),
  );
}

/** Writes the hub's events to the log. Nothing else logs (LAW 10). */
export function logEvents(events: HubEmitter, logger: Logger): void {
  for (const name of Object.keys(LEVEL_OF) as (keyof HubEvents)[]) {
    events.on(name, (payload: HubEvents[keyof HubEvents][0]) => {
      if (logger.isLevelEnabled(LEVEL_OF[name])) logger[LEVEL_OF[name]](forLogs(payload), name);
    });
  }
}

/** URLs lose their query, callbacks their path too: both may be capabilities. */
function forLogs(payload: object): object {
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, valueForLogs(key, value)]));
}

function valueForLogs(key: string, value: unknown): unknown {
  if (key === 'error') return reasonOf(value);
  if (typeof value !== 'string') return value;
  if (key === 'topic') return urlForLogs(value);
  if (key === 'callback')
    return `${new URL(value).origin}/#${createHash('sha256').update(value).digest('hex').slice(0, 8)}`;
  return value;
}
