import type { Clock } from '@websub/shared';
import Queue from 'yocto-queue';
import type { Recipient } from '../subscription/recipient.js';
import type { Topic } from '../topic/topic.js';

export interface WakingsOptions {
  readonly clock: Clock;
  /** A recipient's topic has a new entry. */
  readonly wake: (recipient: Recipient, now: number) => void;
  /** Some have been woken: what they are owed may start. */
  readonly onSome: () => void;
}

/** Recipients of a topic that are still to be woken. */
interface Waking {
  readonly topic: Topic;
  readonly left: Iterator<Recipient>;
}

/** Short, since what was woken is started between two slices, and nothing is sent before the first has ended. */
const SLICE_MS = 1;
/** Recipients of one topic at a time: other topics, and the clock, are looked at in between. */
const AT_ONCE = 64;

/**
 * Wakes the recipients of topics that have new entries, a slice at a time: a hundred thousand of them keep neither the answer
 * to their publisher waiting, nor the first of their own, nor the one recipient of another topic (LAW 7).
 */
export class Wakings {
  readonly #options: WakingsOptions;
  readonly #round = new Queue<Waking>();
  /** True where a further entry came while the topic's recipients were being woken: those passed over are woken again. */
  readonly #again = new Map<Topic, boolean>();
  #resting = false;
  #stopped = false;

  constructor(options: WakingsOptions) {
    this.#options = options;
  }

  /** The topic has a new entry. Its recipients are woken after everything that is ready in this turn of the event loop. */
  add(topic: Topic): void {
    if (topic.recipients.size === 0) return;
    if (this.#again.has(topic)) {
      this.#again.set(topic, true);
      return;
    }
    this.#begin(topic);
    this.#rest();
  }

  /** Wakes nobody any more. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(topic: Topic): void {
    this.#again.set(topic, false);
    this.#round.enqueue({ topic, left: topic.recipients.values() });
  }

  #rest(): void {
    if (this.#resting || this.#stopped) return;
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.#slice();
    });
  }

  /** Ends with its time; there is another one until everybody was woken. */
  #slice(): void {
    if (this.#stopped) return;
    const { clock, onSome } = this.#options;
    const now = clock.now();
    const endsAt = clock.monotonic() + SLICE_MS;
    let waking = this.#round.dequeue();
    while (waking !== undefined) {
      if (this.#wakeSome(waking, now)) this.#round.enqueue(waking);
      else this.#end(waking.topic);
      waking = clock.monotonic() <= endsAt ? this.#round.dequeue() : undefined;
    }
    if (this.#round.size > 0) this.#rest();
    onSome();
  }

  /** Whether some are left. */
  #wakeSome({ left }: Waking, now: number): boolean {
    for (let count = 0; count < AT_ONCE; count++) {
      const { done, value } = left.next();
      if (done === true) return false;
      this.#options.wake(value, now);
    }
    return true;
  }

  #end(topic: Topic): void {
    const again = this.#again.get(topic) === true;
    this.#again.delete(topic);
    if (again) this.#begin(topic);
  }
}
