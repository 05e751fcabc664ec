import { reasonOf, WebSubError } from '@websub/shared';
import type { Issue } from './dispatch/payload-type.js';

export { WebSubError };

/** Anything that a store threw as a `WebSubError`: all else is one already where it arises. */
export function asWebSubError(thrown: unknown): WebSubError {
  return thrown instanceof WebSubError
    ? thrown
    : new WebSubError('store_failed', `the store failed: ${reasonOf(thrown)}`, { cause: thrown });
}

/** Options that cannot work, all faults at once: one element of `errors` for each. */
export class ConfigurationError extends WebSubError {
  override readonly name = 'ConfigurationError';
  readonly errors: readonly WebSubError[];

  constructor(problems: readonly string[]) {
    super('invalid_configuration', problems.join('; '));
    this.errors = problems.map((problem) => new WebSubError('invalid_configuration', problem));
  }
}

/** Thrown by a handler: the subscription is wanted no more. The hub is answered 410, which ends it there too. */
export class SubscriptionGone extends WebSubError {
  override readonly name = 'SubscriptionGone';

  constructor(message = 'the handler gave the subscription up') {
    super('gone', message);
  }
}

/** Thrown by a handler: not now. The hub is answered 503 with `Retry-After`. */
export class RetryLater extends WebSubError {
  override readonly name = 'RetryLater';
  readonly seconds: number;

  constructor(seconds: number, message = `the handler wants the notification again in ${seconds} s`) {
    super('retry_later', message);
    if (!Number.isFinite(seconds)) throw new ConfigurationError(['RetryLater takes a number of seconds']);
    this.seconds = Math.max(1, Math.ceil(seconds));
  }
}

/** A payload is not what its handler takes; the handler did not run. */
export class PayloadValidationError extends WebSubError {
  override readonly name = 'PayloadValidationError';
  readonly issues: readonly Issue[];

  constructor(method: string, issues: readonly Issue[]) {
    super('invalid_payload', `${method} does not take this payload: ${issues.map(textOf).join('; ')}`);
    this.issues = issues;
  }
}

function textOf({ message, path }: Issue): string {
  if (path === undefined || path.length === 0) return message;
  return `${path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')}: ${message}`;
}
