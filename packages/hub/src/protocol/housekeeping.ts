import type { CancelTimer, Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import type { Log, Retention } from '../log/log.js';
import type { Registry } from '../subscription/registry.js';
import type { UnusedTopics } from './unused-topics.js';

export interface HousekeepingOptions {
  readonly log: Log;
  readonly registry: Registry;
  readonly retention: Retention;
  readonly unusedTopics: UnusedTopics;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

const EVERY_MS = 60_000;
const TOPICS_EVERY_MS = 3_600_000;
const DEAD_LETTERS_KEPT_MS = 14 * 86_400_000;

/** Removes, once a minute, what retention no longer keeps, and once an hour the topics that nobody uses any more. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #cancel: CancelTimer | undefined;
  #topicsLookedAt: number;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#topicsLookedAt = options.clock.monotonic();
  }

  start(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(EVERY_MS, () => void this.#round().finally(() => this.start()));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#options.unusedTopics.stop();
  }

  async #round(): Promise<void> {
    await this.#trim();
    await this.#forgetTopics();
  }

  async #trim(): Promise<void> {
    const { log, registry, retention, clock, events } = this.#options;
    try {
      const entries = await log.trim(retention, clock.now());
      if (entries > 0) events.emit('log-trimmed', { entries });
      await registry.trimDeadLetters(clock.now() - DEAD_LETTERS_KEPT_MS);
    } catch (error) {
      events.emit('fault', { where: 'retention', error });
    }
  }

  async #forgetTopics(): Promise<void> {
    const { unusedTopics, clock, events } = this.#options;
    const now = clock.monotonic();
    if (this.#stopped || now - this.#topicsLookedAt < TOPICS_EVERY_MS) return;
    this.#topicsLookedAt = now;
    try {
      const topics = await unusedTopics.forget();
      if (topics > 0) events.emit('topics-forgotten', { topics });
    } catch (error) {
      events.emit('fault', { where: 'forgetting topics', error });
    }
  }
}
