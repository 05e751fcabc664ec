import { CommandFailure } from './failure.js';

/** When to end: at Ctrl-C, SIGTERM, enough notifications, a denial, or when nobody reads the output any more. */
export class Ending {
  /** Settles at the end; rejects where it is a failure. */
  readonly reached: Promise<void>;
  now: () => void = () => undefined;
  fail: (sentence: string) => void = () => undefined;

  /** `onSignal` says what happens at a signal; a second one leaves at once. */
  constructor(onSignal: () => void) {
    this.reached = new Promise((resolve, reject) => {
      this.now = resolve;
      this.fail = (sentence) => reject(new CommandFailure(sentence));
    });
    // It is read in a race that something else may have won.
    this.reached.catch(() => undefined);
    let isSecond = false;
    const atSignal = (): void => {
      if (isSecond) process.exit(130);
      isSecond = true;
      this.now();
      onSignal();
    };
    // For good: a signal that nobody listens for kills the process.
    process.on('SIGINT', atSignal);
    process.on('SIGTERM', atSignal);
    process.stdout.on('error', this.now);
  }
}
