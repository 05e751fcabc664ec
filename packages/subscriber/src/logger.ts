import { reasonOf, urlForLogs } from '@websub/shared';
import type { Emitter } from './events.js';
import type { SubscriptionView } from './messages.js';

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
      `the hub denied ${urlForLogs(subscription.topic)}: ${plain(reason ?? 'it gave no reason')}`,
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
  const warned = new Set<string>();
  emitter.on('unhandled', ({ topic, subscription }) => {
    if (warned.has(topic) || warned.size >= MOST_TOPICS_WARNED_OF) return;
    warned.add(topic);
    const cure = 'add onEventNotification, or set onNoMatch';
    logger.warn(fieldsOf(subscription), `no method takes a notification of ${urlForLogs(topic)}: ${cure}`);
  });
}

const MOST_TOPICS_WARNED_OF = 1_000;

function fieldsOf({ hub, topic, state }: SubscriptionView): object {
  return { hub: urlForLogs(hub), topic: urlForLogs(topic), state };
}

/** Control characters of strangers could start a new line, or move the cursor of a terminal. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 1_024);
}
