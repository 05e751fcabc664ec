export type { Clock, ErrorCode, HttpClient, Random } from '@websub/shared';
export type { AttachedService } from './attached-service.js';
export { OnEvent, OnHeader } from './decorators/on-event.decorator.js';
export { SubscriberService } from './decorators/subscriber-service.decorator.js';
export type { DualClassDecorator, DualMethodDecorator } from './decorators/dual.js';
export { discover, type DiscoverOptions } from './discover/discover.js';
export type { Discovery } from './discover/discovery.js';
export type {
  Ctor,
  Issue,
  PayloadOf,
  PayloadType,
  StandardResult,
  StandardSchemaV1,
} from './dispatch/payload-type.js';
export type { Match } from './dispatch/rules.js';
export {
  defineDispatch,
  TOPIC_ID_HEADER,
  TOPIC_ID_HEADER_AND_PAYLOAD,
  TOPIC_ID_PAYLOAD_KEY,
  type DispatchTables,
  type Entry,
  type HeaderAndPayloadKeyResourceMap,
  type HeaderResourceMap,
  type PayloadKeyResourceMap,
  type RequiredHandlers,
  type Table,
} from './dispatch/tables.js';
export {
  ConfigurationError,
  PayloadValidationError,
  RetryLater,
  SubscriptionGone,
  WebSubError,
} from './errors.js';
export type { SubscriberEvents } from './events.js';
export type { StartReport } from './lifecycle/start-up.js';
export type { ListenerOptions } from './listener-options.js';
export { SubscriberListener, type RequestHandler } from './listener.js';
export type { Logger } from './logger.js';
export type {
  HandlerResult,
  HubError,
  Notification,
  SubscriberHandlers,
  SubscriptionDenial,
  SubscriptionVerification,
  SubscriptionView,
  VerificationResult,
} from './messages.js';
export type { HttpConfig, SubscriberServiceOptions } from './service/options.js';
export type { Target } from './service/target.js';
export { memoryStore } from './store/memory-store.js';
export { sqliteStore, type SqliteStore } from './store/sqlite-store.js';
export type { Subscriptions } from './subscriptions.js';
export type { SubscriptionStore } from './subscription/store.js';
export type { SubscriptionRecord as StoredSubscription } from './subscription/subscription.js';
export {
  testSubscriber,
  type NotifyOptions,
  type NotifyResult,
  type TestSubscriber,
  type TestSubscriberOptions,
} from './testing/test-subscriber.js';
