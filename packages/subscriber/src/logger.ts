import { reasonOf, urlForLogs } from '@websub/shared';
import type { Emitter } from './events.js';
import type { Notification, SubscriptionView } from './messages.js';

/** Where a listener logs to: pino, console and most others fit. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A logger of which no more is known than that these are functions. */
export interface LogFunctions {
  /* eslint-disable typescript/no-unsafe-function-type -- what was typed so elsewhere is to be taken */
  debug: Function;
  info: Function;
  warn: Function;
  error: Function;
  /* eslint-enable typescript/no-unsafe-function-type */
}

export function loggerOf(given: Logger | LogFunctions): Logger {
  return {
    debug: (fields, message) => void Reflect.apply(given.debug, given, [fields, message]),
    info: (fields, message) => void Reflect.apply(given.info, given, [fields, message]),
    warn: (fields, message) => void Reflect.apply(given.warn, given, [fields, message]),
    error: (fields, message) => void Reflect.apply(given.error, given, [fields, message]),
  };
}

/** Without a logger, trouble still shows: as warnings of the process, on standard error. */
export const processWarnings: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_fields, message) => process.emitWarning(message, 'WebSubWarning'),
  error: (_fields, message) => process.emitWarning(message, 'WebSubWarning'),
};

/** Turns events into lines. No secret, no body, no callback and no query string gets in (LAW 10). */
export function logEvents(emitter: Emitter, logger: Logger): void {
  emitter.on('verified', (view) => logger.info(fieldsOf(view), 'subscription verified'));
  emitter.on('renewed', (view) => logger.info(fieldsOf(view), 'lease renewed'));
  emitter.on('expired', (view) =>
    logger.warn(fieldsOf(view), `the lease of ${urlForLogs(view.topic)} ended; subscribing anew`),
  );
  emitter.on('unsubscribed', (view) => logger.info(fieldsOf(view), 'unsubscribed'));
  emitter.on('stale', (view) =>
    logger.warn(
      fieldsOf(view),
      `nothing was delivered of ${urlForLogs(view.topic)} for long: see whether it is published still, or renew()`,
    ),
  );
  emitter.on('denied', ({ subscription, reason }) =>
    logger.warn(
      { ...fieldsOf(subscription), reason: plain(reason ?? '') },
      `${urlForLogs(subscription.topic)} was denied: ${plain(reason ?? 'the hub gave no reason')}`,
    ),
  );
  emitter.on('error', (error, notification) =>
    logger.error(
      {
        code: error.code,
        ...(notification === undefined ? {} : fieldsOf(notification.subscription)),
        ...(error.cause === undefined ? {} : { cause: reasonOf(error.cause) }),
      },
      plain(error.message),
    ),
  );
}

/**
 * Warns of notifications that no method takes, once for each set of things that were looked at in vain: the values are a
 * stranger's, so of so many only.
 */
export function unhandledWarnings(
  logger: Logger,
): (notification: Notification, lookedAt: readonly string[]) => void {
  const warned = new Set<string>();
  return ({ topic, subscription }, lookedAt) => {
    const looked = lookedAt.slice(0, MOST_QUOTED).map((each) => `, ${plain(each)}`);
    const message = `no method takes a notification of ${urlForLogs(topic)}${looked.join('')}: name it in a table, add onEventNotification, or set onNoMatch`;
    if (warned.has(message) || warned.size >= MOST_WARNINGS) return;
    warned.add(message);
    logger.warn(fieldsOf(subscription), message);
  };
}

const MOST_WARNINGS = 1_000;
const MOST_QUOTED = 8;

function fieldsOf({ hub, topic, state }: SubscriptionView): object {
  return { hub: urlForLogs(hub), topic: urlForLogs(topic), state };
}

/** Control characters of strangers could start a new line, or move the cursor of a terminal. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 1_024);
}
