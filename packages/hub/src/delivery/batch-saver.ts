import type { CancelTimer, Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';

export interface BatchSaverOptions<Item> {
  /** Settles when the items as they are at this moment are on stable storage. */
  readonly save: (items: readonly Item[]) => Promise<void>;
  /** Names it where a fault is told. */
  readonly where: string;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

const SAVE_AFTER_MS = 50;
const MOST_UNSAVED = 1_000;
const AGAIN_AFTER_FAULT_MS = 1_000;

/** Saves what changes often in batches: every 50 ms or 1,000 changes, never one write per change. What fails is saved again. */
export class BatchSaver<Item> {
  readonly #options: BatchSaverOptions<Item>;
  #changed = new Set<Item>();
  #waiting: (() => void)[] = [];
  #cancel: CancelTimer | undefined;
  #saving: Promise<void> | undefined;

  constructor(options: BatchSaverOptions<Item>) {
    this.#options = options;
  }

  /** The item differs from the one saved. */
  changed(item: Item): void {
    this.#changed.add(item);
    if (this.#saving !== undefined) return;
    if (this.#changed.size >= MOST_UNSAVED) void this.#save();
    else this.#arm(SAVE_AFTER_MS);
  }

  /** As {@link changed}; settles when it is on stable storage, with the batch that it belongs to. */
  saved(item: Item): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.changed(item);
    });
  }

  /** Settles when everything that changed before is on stable storage; rejects when the store fails. */
  async flush(): Promise<void> {
    this.#disarm();
    await this.#saving;
    if (this.#changed.size > 0) await this.#write();
  }

  #arm(delayMs: number): void {
    this.#cancel ??= this.#options.clock.after(delayMs, () => {
      this.#cancel = undefined;
      void this.#save();
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #save(): Promise<void> {
    this.#disarm();
    if (this.#saving !== undefined || this.#changed.size === 0) return;
    let delayMs = SAVE_AFTER_MS;
    this.#saving = this.#write().catch((error: unknown) => {
      delayMs = AGAIN_AFTER_FAULT_MS;
      this.#options.events.emit('fault', { where: this.#options.where, error });
    });
    await this.#saving;
    this.#saving = undefined;
    if (this.#changed.size > 0) this.#arm(delayMs);
  }

  async #write(): Promise<void> {
    const batch = this.#changed;
    const waiting = this.#waiting;
    this.#changed = new Set();
    this.#waiting = [];
    try {
      await this.#options.save([...batch]);
    } catch (error) {
      for (const item of batch) this.#changed.add(item);
      this.#waiting.push(...waiting);
      throw error;
    }
    for (const settle of waiting) settle();
  }
}
