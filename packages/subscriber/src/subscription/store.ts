import type { SubscriptionRecord } from './subscription.js';

/**
 * Where subscriptions are kept. What a resolved promise says was written is written durably, so that a restart resumes
 * where it was. Rejections are reported as `store_failed`; nothing is then answered 2xx.
 */
export interface SubscriptionStore {
  get(id: string): Promise<SubscriptionRecord | undefined>;
  /**
   * Writes if what is stored still has `expectedVersion` (`undefined`: nothing is stored yet). Resolves with whether it
   * was written.
   */
  put(subscription: SubscriptionRecord, expectedVersion: number | undefined): Promise<boolean>;
  delete(id: string): Promise<void>;
  list(): AsyncIterable<SubscriptionRecord>;
  /**
   * Those with `dueAt` at or before `before` that no other owner holds; they are then held by `owner` for `holdMs`
   * from `before`, or until they are written.
   */
  claimDue(before: Date, owner: string, holdMs: number): Promise<readonly SubscriptionRecord[]>;
}
