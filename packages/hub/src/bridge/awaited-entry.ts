import type { Entry } from '../log/log.js';
import type { Gap } from './gap.js';
import type { Reader, Reading, Sink } from './reader.js';
import type { OpenStream, StreamCommons, StreamEnd } from './streams.js';

/** What came of waiting for one entry. `cursor` is where to go on. */
export type Awaited =
  | { readonly kind: 'entry'; readonly entry: Entry; readonly cursor: string }
  | { readonly kind: 'nothing'; readonly cursor: string }
  /** What was asked for is not complete any more, and the reader wants nothing less. */
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'denied'; readonly end: 'expired' | 'revoked' }
  | { readonly kind: 'failed' };

export interface AwaitedEntryOptions extends StreamCommons {
  readonly reading: Reading;
  readonly timeoutMs: number;
  /** Called once, unless it was given up before. */
  readonly onSettled: (outcome: Awaited) => void;
}

/** A reader that waits for the first entry that it wants, for so long. */
export class AwaitedEntry implements Sink, OpenStream {
  readonly id: string;
  entries = 0;
  readonly #options: AwaitedEntryOptions;
  readonly #reader: Reader;
  readonly #release: () => void;
  readonly #cancel: () => void;
  #ended = false;

  constructor(options: AwaitedEntryOptions) {
    const { id, readers, reading, timeoutMs, clock } = options;
    this.id = id;
    this.#options = options;
    this.#release = reading.permit.hold((end) => this.#settle({ kind: 'denied', end }, end));
    this.#cancel = clock.after(timeoutMs, () => this.end('timeout'));
    this.#reader = readers.open(reading, this);
  }

  room(): number {
    return this.#ended ? 0 : 1;
  }

  entry(entry: Entry): void {
    this.entries = 1;
    this.#settle({ kind: 'entry', entry, cursor: this.#cursor() }, 'limit');
  }

  gap(gap: Gap): void {
    if (this.#options.reading.onGap === 'fail') this.#settle({ kind: 'gap', gap }, 'gap');
  }

  live(): void {
    // It goes on waiting.
  }

  failed(): void {
    this.#settle({ kind: 'failed' }, 'failed');
  }

  /** Nothing came; who asked may go on from the cursor. */
  end(why: StreamEnd): void {
    this.#settle({ kind: 'nothing', cursor: this.#cursor() }, why);
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#close('client');
  }

  /** Its clock is its own. */
  look(): void {}

  #cursor(): string {
    return this.#options.readers.cursorOf(this.#reader);
  }

  #settle(outcome: Awaited, end: StreamEnd): void {
    if (this.#close(end)) this.#options.onSettled(outcome);
  }

  #close(end: StreamEnd): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#options.readers.close(this.#reader);
    this.#release();
    this.#cancel();
    this.#options.onEnd(this, end);
    return true;
  }
}
