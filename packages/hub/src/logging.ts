import { reasonOf, systemClock, urlForLogs, type Clock } from '@websub/shared';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { pino, type Logger } from 'pino';
import type PinoPretty from 'pino-pretty';
import type { HubEmitter, HubEvents } from './events.js';
import type { LogLevel } from './log-levels.js';
import { Repetitions } from './repetitions.js';

type EventLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Where events are written: pino's interface, or one that has these methods of it. */
export interface EventLogger extends Readonly<Record<EventLevel, (fields: object, message: string) => void>> {
  /** Absent: every level is. */
  readonly isLevelEnabled?: (level: EventLevel) => boolean;
}

/** Of every event; the levels are pino's. */
export const LEVEL_OF: Readonly<Record<keyof HubEvents, EventLevel>> = {
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
  'entry-appended': 'debug',
  'entry-delivered': 'debug',
  'delivery-failed': 'warn',
  'dead-letter': 'warn',
  'dead-letters-dropped': 'warn',
  'dead-letter-redelivered': 'info',
  'host-held': 'warn',
  'host-released': 'info',
  'credential-created': 'info',
  'access-revoked': 'info',
  'stream-opened': 'debug',
  'stream-closed': 'debug',
  'stream-stalled': 'debug',
  'consumer-created': 'info',
  'consumer-ended': 'info',
  'topic-pinged': 'debug',
  'topic-fetched': 'debug',
  'topic-fetch-failed': 'warn',
  'secrets-resealed': 'info',
  'secrets-exposed': 'warn',
  'admin-key-guessable': 'warn',
  'row-quarantined': 'error',
  'log-trimmed': 'info',
  'topics-forgotten': 'info',
  'canary-returned': 'trace',
  'canary-late': 'error',
  'store-committed': 'trace',
  'clock-jumped': 'warn',
  'store-stalled': 'error',
  'store-resumed': 'info',
  'store-lost': 'error',
  fault: 'error',
};

export interface LoggerOptions {
  readonly level: LogLevel;
  /** For a person who watches; otherwise JSON, one line for each event. */
  readonly readable: boolean;
  /** Takes each whole line. Default: standard output, at once. */
  readonly destination?: Lines;
}

interface Lines {
  write(line: string): unknown;
}

/** Loaded where a person watches only: elsewhere it would be a twentieth of the start. */
function readableLines(): Lines {
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' });
}

/** The log of a hub that runs by itself. */
export function createLogger({ level, readable, destination }: LoggerOptions): Logger {
  // In this thread: a transport's worker would lose the last lines when the process ends.
  const lines: Lines = destination ?? (readable ? readableLines() : pino.destination({ sync: true }));
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void lines.write(harmless(line, readable)) },
  );
}

// JSON allows what moves the cursor of a terminal or ends a line for some reader: DEL, C1, and Unicode's line separators.
const NOT_FOR_TERMINALS = /[\u007f-\u009f\u2028\u2029]/g;

function harmless(line: string, readable: boolean): string {
  return line.replace(NOT_FOR_TERMINALS, (char) =>
    readable ? '\ufffd' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Writes the hub's events to a log, without what must not stand there. Nothing else logs (LAW 10). A fault that lasts, such as
 * a full disk, is written once a minute with how often it was `leftOut`: requests of strangers must not fill the log too.
 */
export function logEvents(
  events: HubEmitter,
  logger: EventLogger,
  clock: Pick<Clock, 'monotonic'> = systemClock,
): void {
  const faults = new Repetitions(clock);
  for (const name of Object.keys(LEVEL_OF) as (keyof HubEvents)[]) {
    const level = LEVEL_OF[name];
    events.on(name, (payload: HubEvents[keyof HubEvents][0]) => {
      if (logger.isLevelEnabled?.(level) === false) return;
      const fields = forLogs(payload);
      const leftOut = name === 'fault' ? faults.admit(JSON.stringify(fields)) : 0;
      if (leftOut === undefined) return;
      logger[level](leftOut === 0 ? fields : { ...fields, leftOut }, name);
    });
  }
}

function forLogs(payload: object): object {
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, valueForLogs(key, value)]));
}

const LONGEST_VALUE = 1_000;
const WEB_URL = /https?:\/\/[^\s"'<>]*/gi;

/** URLs lose their query, callbacks and whatever is quoted in a sentence their path too: all may be capabilities. */
function valueForLogs(key: string, value: unknown): unknown {
  if (key === 'error') return sentenceForLogs(reasonOf(value));
  if (typeof value !== 'string') return value;
  switch (key) {
    case 'url':
      return value;
    case 'topic':
      return shortened(urlForLogs(value));
    case 'callback':
      return `${originOf(value)}/#${createHash('sha256').update(value).digest('hex').slice(0, 8)}`;
    default:
      return sentenceForLogs(value);
  }
}

function sentenceForLogs(text: string): string {
  return shortened(text).replace(WEB_URL, (url) => `${originOf(url)}/…`);
}

function shortened(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '(not a URL)';
}
