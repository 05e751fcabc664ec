import type { CancelTimer, Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import type { Log, Retention } from '../log/log.js';
import type { Registry } from '../subscription/registry.js';

export interface HousekeepingOptions {
  readonly log: Log;
  readonly registry: Registry;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

const EVERY_MS = 60_000;
const DEAD_LETTERS_KEPT_MS = 14 * 86_400_000;

/** Removes, once a minute, what retention no longer keeps. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #cancel: CancelTimer | undefined;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(EVERY_MS, () => void this.#tidy().finally(() => this.start()));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async #tidy(): Promise<void> {
    const { log, registry, retention, clock, events } = this.#options;
    try {
      const entries = await log.trim(retention, clock.now());
      if (entries > 0) events.emit('log-trimmed', { entries });
      await registry.trimDeadLetters(clock.now() - DEAD_LETTERS_KEPT_MS);
    } catch (error) {
      events.emit('fault', { where: 'retention', error });
    }
  }
}
