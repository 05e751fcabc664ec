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
