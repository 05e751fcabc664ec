import type { Position } from '../log/log.js';
import type { Beyond } from './window.js';

/** Where one subscription is: everything up to `position` is settled, and what comes next was tried `attempts` times. */
export interface Place {
  readonly subscription: string;
  readonly position: Position;
  readonly attempts: number;
  /** When the next attempt is due, milliseconds since the epoch; 0 for at once. */
  readonly dueAt: number;
  /** What went wrong since the last success; `null` while all is well. */
  readonly failure: Failure | null;
  /** What was given without waiting for what went before; `null` for nothing. */
  readonly beyond: Beyond | null;
}

/** Failed attempts without a success in between. Times are milliseconds since the epoch. */
export interface Failure {
  /** Of the first. */
  readonly since: number;
  /** Of the last, and what it came to. */
  readonly at: number;
  /** 0 when no answer came. */
  readonly status: number;
  readonly detail: string;
}

/** The places of subscriptions: hot and small, saved in batches, never one write per delivery. */
export interface Places {
  /** Everything, in batches, in no particular order. A subscription that was never given anything has no place. */
  load(): AsyncIterable<readonly Place[]>;
  /** Settles when the batch is on stable storage. The last save of a subscription counts. */
  save(places: readonly Place[]): Promise<void>;
}
