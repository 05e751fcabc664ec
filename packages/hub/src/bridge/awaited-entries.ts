import type { Entry } from '../log/log.js';
import type { Attachment, ConsumerEnd } from './attachment.js';
import type { Gap } from './gap.js';
import type { RenewablePermit } from './permit.js';
import type { Reader, Reading, Sink } from './reader.js';
import type { OpenStream, StreamCommons, StreamEnd } from './open-stream.js';

/** What came of waiting for entries. `cursor` is where to go on. */
export type Awaited =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[]; readonly cursor: string }
  | { readonly kind: 'nothing'; readonly cursor: string }
  /** What was asked for is not complete any more, and the reader wants nothing less. */
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'denied'; readonly end: 'expired' | 'revoked' }
  /** Somebody else reads with the consumer by now, or nobody may. */
  | { readonly kind: 'lost'; readonly end: ConsumerEnd }
  | { readonly kind: 'failed' };

export interface AwaitedEntriesOptions {
  readonly id: string;
  readonly commons: StreamCommons;
  readonly permit: RenewablePermit;
  readonly reading: Reading;
  /** The consumer that it reads with, if the hub keeps its place. */
  readonly attachment: Attachment | undefined;
  /** How many it waits for. */
  readonly count: number;
  readonly timeoutMs: number;
  /** Called once, unless it was given up before. */
  readonly onSettled: (outcome: Awaited) => void;
}

/** Bytes with which it has enough, however many entries that are. */
const ENOUGH_BYTES = 1024 * 1024;

/** A reader that waits for the first entries that it wants, for so long. */
export class AwaitedEntries implements Sink, OpenStream {
  readonly id: string;
  readonly #found: Entry[] = [];
  #bytes = 0;
  readonly #options: AwaitedEntriesOptions;
  readonly #reader: Reader;
  readonly #release: () => void;
  readonly #cancel: () => void;
  #ended = false;

  constructor(options: AwaitedEntriesOptions) {
    const { id, commons, reading, attachment, timeoutMs } = options;
    this.id = id;
    this.#options = options;
    this.#release = options.permit.hold((end) => this.#settle({ kind: 'denied', end }, end));
    this.#cancel = commons.clock.after(timeoutMs, () => this.end('timeout'));
    this.#reader = (attachment ?? commons.readers).open(reading, this);
  }

  get permit(): RenewablePermit {
    return this.#options.permit;
  }

  get readers(): readonly Reader[] {
    return [this.#reader];
  }

  /** What it waits for waits in memory, not for its network. */
  get stalls(): number {
    return 0;
  }

  get attachment(): Attachment | undefined {
    return this.#options.attachment;
  }

  get entries(): number {
    return this.#found.length;
  }

  room(): number {
    return this.#ended ? 0 : ENOUGH_BYTES;
  }

  entry(entry: Entry): void {
    this.#found.push(entry);
    this.#bytes += entry.content.body.byteLength;
    if (this.#found.length >= this.#options.count || this.#bytes >= ENOUGH_BYTES) this.#tell('limit');
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

  /** It is told what came so far, and goes on from the cursor. */
  end(why: StreamEnd): void {
    if (why === 'taken_over' || why === 'sought' || why === 'removed')
      this.#settle({ kind: 'lost', end: why }, why);
    else this.#tell(why);
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#close('client');
  }

  /** Its clock is its own. */
  look(): void {}

  #cursor(): string {
    return this.#options.commons.readers.cursorOf(this.#reader);
  }

  #tell(why: StreamEnd): void {
    const cursor = this.#cursor();
    const entries = this.#found;
    this.#settle(
      entries.length > 0 ? { kind: 'entries', entries, cursor } : { kind: 'nothing', cursor },
      why,
    );
  }

  #settle(outcome: Awaited, end: StreamEnd): void {
    if (this.#close(end)) this.#options.onSettled(outcome);
  }

  #close(end: StreamEnd): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    const { commons, attachment } = this.#options;
    (attachment ?? commons.readers).close(this.#reader);
    this.#release();
    this.#cancel();
    commons.onEnd(this, end);
    return true;
  }
}
