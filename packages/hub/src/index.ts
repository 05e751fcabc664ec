export { createHub, type Hub } from './create-hub.js';
export { HubEmitter, type DeliveryAttempt, type HubEvents, type SubscriptionRef } from './events.js';
export { logEvents, type EventLogger } from './logging.js';
export { backUpData, checkData, type Backup, type Inspection } from './maintenance.js';
export {
  OptionError,
  type HubOptions,
  type HubPorts,
  type PublishPolicy,
  type ReadPolicy,
} from './options.js';
export type { SubscriptionRequestView, Validate } from './protocol/validation.js';
