import type { Rule } from '../dispatch/rules.js';
import type { SubscriberHandlers } from '../messages.js';
import type { SubscriberServiceOptions } from './options.js';
import type { ServiceSettings } from './settings.js';

/** A service that was attached: an object with handlers, and what its options say. */
export interface Service {
  /** Its name in the store: the path, or without one the name of its class. */
  readonly name: string;
  readonly instance: SubscriberHandlers & object;
  /** As they were given; a subscription may have others: see `serviceFor`. */
  readonly options: SubscriberServiceOptions;
  readonly settings: ServiceSettings;
  readonly rules: readonly Rule[];
  /** What is suspicious about it, to be logged. */
  readonly warnings: readonly string[];
}
