export {
  FakeHub,
  type CallbackReply,
  type DeliverOptions,
  type FakeHubOptions,
  type HubReply,
  type HubRequestSeen,
  type HubSubscription,
} from './fake-hub.js';
export { storeContract, type StorePromise } from './store-contract.js';
export {
  testSubscriber,
  type NotifyOptions,
  type NotifyResult,
  type TestSubscriber,
  type TestSubscriberOptions,
} from './test-subscriber.js';
