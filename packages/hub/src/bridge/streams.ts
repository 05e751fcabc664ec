import { addressBlock, type Clock, type Random } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import { tally } from './tally.js';
import { windowBytes } from './back-pressure.js';
import type { MakeStream, OpenStream, StreamCommons, StreamEnd } from './open-stream.js';
import type { Readers } from './readers.js';
import { StreamRounds } from './stream-rounds.js';

/** How many streams there may be. */
export interface StreamBounds {
  readonly inAll: number;
  /** From one address, or one block where clients have many. */
  readonly perAddress: number;
  /** Of one subject, where a credential names one. */
  readonly perSubject: number;
}

export interface StreamsOptions {
  readonly readers: Readers;
  readonly bounds: StreamBounds;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
}

/** Who opens a stream. */
export interface Opener {
  readonly address: string;
  readonly subject: string | undefined;
  /** Streams that the subject may have, where its credential says. */
  readonly mostStreams?: number | undefined;
}

const ID_BYTES = 16;
/** Streams that may come back in one second after a stop. */
const BACK_PER_SECOND = 250;
const BACK_AFTER_MS = 1_000;
const LATEST_BACK_MS = 30_000;

/** All streams that are open, by their ids. */
export class Streams {
  readonly readers: Readers;
  readonly #options: StreamsOptions;
  readonly #open = new Map<string, OpenStream>();
  readonly #openers = new Map<string, Opener>();
  readonly #perAddress = new Map<string, number>();
  readonly #perSubject = new Map<string, number>();
  readonly #commons: StreamCommons;
  readonly #rounds: StreamRounds;
  #draining = false;

  constructor(options: StreamsOptions) {
    const { readers, clock, random } = options;
    this.#options = options;
    this.readers = readers;
    this.#commons = {
      readers,
      clock,
      random,
      window: () => windowBytes(this.count),
      onEnd: (stream, end) => this.#onEnd(stream, end),
    };
    this.#rounds = new StreamRounds({
      clock,
      open: this.#open,
      look: (stream, now, wallClock) => this.#lookAfter(stream, now, wallClock),
    });
  }

  get count(): number {
    return this.#open.size;
  }

  /** Who knows the whole id may do this with it: it is unguessable. */
  find(id: string): OpenStream | undefined {
    return this.#open.get(id);
  }

  /** By name, behind the one called `after`. */
  list({ limit, after = '' }: { readonly limit: number; readonly after?: string }): readonly OpenStream[] {
    return [...this.#open.values()]
      .filter(({ id }) => nameOf(id) > after)
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .slice(0, limit);
  }

  /** Whether there is no room for a further stream of this opener (LAW 8). */
  isFull({ address, subject, mostStreams = Infinity }: Opener): boolean {
    const { inAll, perAddress, perSubject } = this.#options.bounds;
    return (
      this.#draining ||
      this.#open.size >= inAll ||
      (this.#perAddress.get(addressBlock(address)) ?? 0) >= perAddress ||
      (subject !== undefined && (this.#perSubject.get(subject) ?? 0) >= Math.min(perSubject, mostStreams))
    );
  }

  /** Opens the stream that `make` makes; its id is unguessable. */
  open(opener: Opener, make: MakeStream): void {
    const { random, events } = this.#options;
    const id = random.token(ID_BYTES);
    this.#count(opener, 1);
    events.emit('stream-opened', { stream: nameOf(id) });
    this.#openers.set(id, opener);
    const stream = make(id, this.#commons);
    // A stream may end as soon as it begins.
    if (!this.#openers.has(id)) return;
    this.#open.set(id, stream);
    this.#rounds.goOn();
  }

  /**
   * The stream's client has shown who it is, after it was opened: from now on it counts among the streams of this subject.
   * False when those are too many already; then it counts as before.
   */
  identify({ id }: OpenStream, { subject, mostStreams = Infinity }: Omit<Opener, 'address'>): boolean {
    const opener = this.#openers.get(id);
    if (opener === undefined || opener.subject === subject) return true;
    const taken = subject === undefined ? 0 : (this.#perSubject.get(subject) ?? 0);
    if (taken >= Math.min(this.#options.bounds.perSubject, mostStreams)) return false;
    this.#count(opener, -1);
    const identified = { ...opener, subject };
    this.#openers.set(id, identified);
    this.#count(identified, 1);
    return true;
  }

  /** Ends every stream; each client comes back at a time of its own, the more clients the more spread. */
  drain(): void {
    this.#draining = true;
    this.#rounds.stop();
    const spread = Math.min((this.#open.size / BACK_PER_SECOND) * 1000, LATEST_BACK_MS);
    for (const stream of this.#open.values())
      stream.end('drain', { least: BACK_AFTER_MS, spread: Math.max(spread, BACK_AFTER_MS) });
  }

  #onEnd({ id, entries }: OpenStream, end: StreamEnd): void {
    const opener = this.#openers.get(id);
    this.#open.delete(id);
    this.#openers.delete(id);
    if (opener !== undefined) this.#count(opener, -1);
    this.#options.events.emit('stream-closed', { stream: nameOf(id), end, entries });
  }

  #count({ address, subject }: Opener, step: 1 | -1): void {
    tally(this.#perAddress, addressBlock(address), step);
    if (subject !== undefined) tally(this.#perSubject, subject, step);
  }

  #lookAfter(stream: OpenStream, now: number, wallClock: number): void {
    const before = stream.stalls;
    stream.look(now, wallClock);
    if (stream.stalls > before) this.#options.events.emit('stream-stalled', { stream: nameOf(stream.id) });
  }
}

/** Enough to tell streams apart in a log and a list. Who knows the whole id may end the stream (LAW 10). */
export function nameOf(id: string): string {
  return id.slice(0, 8);
}
