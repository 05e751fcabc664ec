import type { Entry, Position } from '../log/log.js';
import { matches, type Filter } from './filter.js';
import type { Gap, GapPolicy } from './gap.js';
import type { Payload, Payloads } from './payload.js';
import { mayReceive, type Permit } from './permit.js';
import type { Followed, Selection } from './selection.js';

/** Where a reader's entries go. */
export interface Sink {
  /**
   * Bytes that it takes at the moment; 0 when it is full, and then it calls {@link Reader.resume} once it no longer is.
   * `again`: for an entry that it was given before.
   */
  room(again: boolean): number;
  entry(entry: Entry): void;
  /** Several entries follow, which may be sent in one piece once {@link Sink.uncork} is called. */
  cork?(): void;
  uncork?(): void;
  /** Something is missing (LAW 12); it goes on after that, unless the policy is to end. */
  gap(gap: Gap): void;
  /** The reader has everything that there is at this moment. */
  live(): void;
  /** The store failed, and nothing more comes. */
  failed(): void;
}

/** An entry that a reader is to be given again. */
export interface Repeat {
  readonly position: Position;
  /** It cannot be given: retention removed it, or the reader does not want it any more. */
  readonly onDropped: () => void;
}

/** Opens readers, and closes them: the place is kept by their clients, or by a named consumer. */
export interface ReaderSource {
  /** Begins to give the sink what follows. */
  open(reading: Reading, sink: Sink): Reader;
  /** Gives the reader nothing more. Harmless when it has ended. */
  close(reader: Reader): void;
}

/** What somebody wants to read. */
export interface Reading {
  readonly selection: Selection;
  readonly filter: Filter | undefined;
  readonly onGap: GapPolicy;
  /** Where it begins: everything after this is given. */
  readonly position: Position;
  readonly permit: Permit;
}

/** What a reader is doing: waiting for its turn, for the store, for room, or for something to be published. */
export type ReaderState = 'ready' | 'reading' | 'full' | 'live' | 'ended';

/** One cursor over the log, whose place its client keeps. */
export class Reader {
  readonly sink: Sink;
  readonly selection: Selection;
  readonly onGap: GapPolicy;
  readonly permit: Permit;
  state: ReaderState = 'ready';
  /** Everything up to here was given, or was not wanted. Of a live reader: when it became live. */
  position: Position;
  /** What follows its position, where that is known already; until its next turn. */
  found: Followed | undefined = undefined;
  /** Whether it reads one topic and nothing else. */
  readonly followsOne: boolean;
  /** What it is to be given again, before anything else; most readers never are. */
  #repeats: Repeat[] | undefined;
  readonly #filter: Filter | undefined;
  readonly #payloads: Payloads;
  readonly #onResume: (reader: Reader) => void;

  constructor(
    { selection, filter, onGap, position, permit }: Reading,
    sink: Sink,
    payloads: Payloads,
    onResume: (reader: Reader) => void,
  ) {
    this.sink = sink;
    this.selection = selection;
    this.onGap = onGap;
    this.permit = permit;
    this.position = position;
    this.followsOne = selection.topics.length === 1 && selection.patterns.length === 0;
    this.#filter = filter;
    this.#payloads = payloads;
    this.#onResume = onResume;
  }

  /** Whether it is to be given something again. */
  get hasRepeats(): boolean {
    return this.#repeats !== undefined && this.#repeats.length > 0;
  }

  addRepeat(repeat: Repeat): void {
    (this.#repeats ??= []).push(repeat);
  }

  takeRepeat(): Repeat | undefined {
    return this.#repeats?.shift();
  }

  /** It could not be given: it is taken again first. */
  putBack(repeat: Repeat): void {
    (this.#repeats ??= []).unshift(repeat);
  }

  /** The sink has room again. */
  resume(): void {
    if (this.state === 'full') this.#onResume(this);
  }

  /** Whether the entry is for this reader: as its credential allows at this moment (LAW 13), and as it asked. */
  wants(entry: Entry): boolean {
    // What passes is the hub's own: not even a pattern for everything names it.
    const payload = (): Payload => this.#payloads.of(entry);
    if (entry.passing || !mayReceive(this.permit, entry, payload)) return false;
    // Whether a damaged entry would be wanted nobody can tell.
    return this.#filter === undefined || entry.corrupt || matches(this.#filter, entry, payload);
  }
}
