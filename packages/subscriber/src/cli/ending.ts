import { CommandFailure } from './failure.js';

/** When to end: at Ctrl-C, SIGTERM, enough notifications, a denial, or when nobody reads the output any more. */
export class Ending {
  /** Settles at the end; rejects where it is a failure. */
  readonly reached: Promise<void>;
  now: () => void = () => undefined;
  fail: (sentence: string) => void = () => undefined;
  readonly #atSignal = (): void => {
    this.now();
    this.#onSignal();
    process.once('SIGINT', leave);
    process.once('SIGTERM', leave);
  };

  readonly #onSignal: () => void;

  /** `onSignal` says what happens at a signal; a second one leaves at once. */
  constructor(onSignal: () => void) {
    this.#onSignal = onSignal;
    this.reached = new Promise((resolve, reject) => {
      this.now = resolve;
      this.fail = (sentence) => reject(new CommandFailure(sentence));
    });
    // It is read in a race that something else may have won.
    this.reached.catch(() => undefined);
    process.once('SIGINT', this.#atSignal);
    process.once('SIGTERM', this.#atSignal);
    process.stdout.on('error', this.now);
  }

  forget(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.off(signal, this.#atSignal);
      process.off(signal, leave);
    }
  }
}

function leave(): void {
  process.exit(130);
}
