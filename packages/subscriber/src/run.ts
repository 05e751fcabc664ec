import { WebSubError } from '@websub/shared';
import type { Engine } from './engine.js';
import { asWebSubError } from './errors.js';
import { endSubscriptions } from './lifecycle/end-subscriptions.js';
import { phaseAfter, serves, type Phase } from './listener-phase.js';
import type { Entrance } from './server/entrance.js';
import type { StoredSubscription } from './subscription/subscription.js';
import { unlessAborted, within } from './waiting.js';

export interface RunParts {
  readonly engine: Engine;
  readonly entrance: Entrance;
  /** Milliseconds that a graceful stop takes at most. */
  readonly graceMs: number;
  /** Finds the public URL; `local` is where the entrance is reached on this machine. */
  publicUrl(local: string | undefined): Promise<string>;
  /** Whether a subscription ends with the run. */
  endsWithRun(subscription: StoredSubscription): boolean;
}

/** One run of a listener, from its start to its stop. A stop belongs to its run, and harms no later one. */
export class Run {
  readonly #parts: RunParts;
  readonly #abort = new AbortController();
  #phase: Phase = 'opening';
  #publicUrl: string | undefined;
  #entered: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #cutting: Promise<void> | undefined;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get serves(): boolean {
    return serves(this.#phase);
  }

  /** Aborted when nothing is waited for any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Absent until it is open, and once it is cut off. */
  get publicUrl(): string | undefined {
    return this.signal.aborted ? undefined : this.#publicUrl;
  }

  /** Rejects when it cannot be opened, with `stopped` when it is stopped meanwhile; all is closed again then. */
  async open(): Promise<void> {
    const { engine, entrance } = this.#parts;
    engine.egress.open();
    try {
      const entering = entrance.open();
      this.#entered = entering.catch(() => undefined);
      this.#publicUrl = await unlessAborted(
        entering.then((local) => this.#parts.publicUrl(local)),
        this.signal,
      );
      await unlessAborted(engine.life.load(), this.signal);
    } catch (thrown) {
      await this.cut();
      throw thrown;
    }
    this.#phase = phaseAfter(this.#phase, 'opened');
    engine.agenda.start();
  }

  /** Stops gracefully. Whoever asks for it again waits for the same. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Stops at once; a graceful stop under way settles with it. */
  cut(): Promise<void> {
    this.#cutting ??= this.#cut();
    return this.#cutting;
  }

  async #stop(): Promise<void> {
    this.#phase = phaseAfter(this.#phase, 'stop');
    if (this.#phase === 'ending') await this.#windDown();
    await this.cut();
  }

  async #windDown(): Promise<void> {
    const { engine, entrance, graceMs } = this.#parts;
    const { clock, startUp, agenda, tasks } = engine;
    const endsAt = clock.monotonic() + graceMs;
    startUp.stop();
    // What cannot be ended, with a store that fails, is no reason to stay.
    const toEnd = (one: StoredSubscription): boolean => this.#parts.endsWithRun(one);
    await endSubscriptions(engine, toEnd, graceMs, this.signal).catch((thrown: unknown) =>
      engine.report(asWebSubError(thrown)),
    );
    agenda.stop();
    this.#phase = phaseAfter(this.#phase, 'ended');
    if (this.#phase !== 'draining') return;
    const drained = Promise.all([entrance.close(), tasks.idle()]);
    const left = Math.max(0, endsAt - clock.monotonic());
    await within(unlessAborted(drained, this.signal), clock, left);
  }

  async #cut(): Promise<void> {
    const { engine, entrance } = this.#parts;
    this.#phase = phaseAfter(this.#phase, 'cut');
    engine.startUp.stop();
    engine.agenda.stop();
    this.#abort.abort(new WebSubError('stopped', 'the listener stops'));
    // A server that is about to listen cannot be closed yet.
    await this.#entered;
    const closed = entrance.close();
    entrance.cut();
    await Promise.all([closed, engine.egress.close()]);
    this.#phase = phaseAfter(this.#phase, 'closed');
  }
}
