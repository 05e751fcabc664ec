export { createHub, type Hub } from './create-hub.js';
export { HubEmitter, type DeliveryAttempt, type HubEvents, type SubscriptionRef } from './events.js';
export { logEvents, type EventLogger } from './logging.js';
export { backUpData, checkData, type Backup, type Inspection } from './maintenance.js';
export type { HubOptions, HubPorts, PublishPolicy, ReadPolicy } from './hub-options.js';
export { OptionError } from './option-error.js';
export type { SubscriptionRequestView, Validate } from './protocol/validation.js';
