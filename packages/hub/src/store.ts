import type { Credentials } from './access/credentials.js';
import type { Consumers } from './consumer/consumers.js';
import type { Log } from './log/log.js';
import type { Places } from './subscription/places.js';
import type { Registry } from './subscription/registry.js';

/** Everything durable, as one thing that is opened and closed. */
export interface Store {
  readonly log: Log;
  readonly registry: Registry;
  readonly places: Places;
  readonly credentials: Credentials;
  readonly consumers: Consumers;
  /** How long the oldest request has waited for its answer, milliseconds; 0 while none waits. */
  lateMs(): number;
  /** Settles when everything that was asked for before is on stable storage and the store is released. */
  close(): Promise<void>;
}
