import type { NetworkPolicyOptions } from '@websub/shared';
import type { DeliveryOutcome, HeaderLines, Parcel } from '../delivery/sender.js';

/** What a delivery thread is started with. */
export interface WorkerInput {
  readonly policy: NetworkPolicyOptions;
  readonly connectionsPerOrigin: number;
}

/** What the hub's thread tells a delivery thread at a time. */
export interface Order {
  /** What sendings of this order or a later one name by its key. */
  readonly parcels: (readonly [key: number, parcel: Parcel])[];
  readonly sendings: OrderedSending[];
  /** Keys of parcels that no later sending names. */
  readonly dropped: number[];
}

/**
 * A sending by its values alone: an object would name each of them in each, which makes 1.2 µs of 0.45 for both threads. Its
 * outcome is reported under `id`; `parcel` is a key.
 */
export type OrderedSending = readonly [
  id: number,
  parcel: number,
  attempt: number,
  trace: HeaderLines | undefined,
  callback: string,
  secret: string | null,
  webhookSignature: boolean,
  authorization: string | null,
  now: number,
];

/** What a delivery thread tells at a time; its first report, which is empty, says that it is there. */
export interface Report {
  /** Of what was delivered: id and status in turns. */
  readonly delivered: number[];
  readonly others: (readonly [id: number, outcome: DeliveryOutcome])[];
}
