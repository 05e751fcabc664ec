import type { Clock } from '@websub/shared';
import Queue from 'yocto-queue';
import type { HubEmitter } from '../events.js';
import type { HotTail } from '../log/hot-tail.js';
import type { Entry, Position } from '../log/log.js';
import type { Gap } from './gap.js';
import { cursorOf } from './locate.js';
import type { Payloads } from './payload.js';
import { Reader, type Reading, type ReaderSource, type Repeat, type Sink } from './reader.js';
import { ReaderIndex } from './reader-index.js';
import type { Followed } from './selection.js';

export interface ReadersOptions {
  readonly log: HotTail;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/** What one reader is given before the next has its turn. */
const MOST_AT_ONCE = { entries: 256, bytes: 64 * 1024 };
/** Readers that wait for the store at the same time. */
const MOST_READING = 8;
const SLICE_MS = 1;
/**
 * Readers who are asked for room together. What is looked at for that lies scattered in memory, and a processor fetches it for
 * several of them at a time when nothing else comes in between. In turns, a message to 1,000 readers over WebSocket took
 * 1.35 of what a bare loop takes when one was served after the other, and takes 1.25.
 */
const TOGETHER = 32;

/**
 * Everybody who follows the log with a place of his own. There is one road: whoever has room is given what follows his
 * position, from memory or from the store, until he has everything; from then on he is live, and is given his turn again
 * when something is published to one of his topics. A slow reader is only further back: nothing is queued for him (LAW 7).
 */
export class Readers implements ReaderSource {
  readonly #options: ReadersOptions;
  readonly #open = new ReaderIndex();
  readonly #ready = new Queue<Reader>();
  /** Those whose turn it is, and who had room when they were asked. */
  readonly #withRoom = new Queue<Reader>();
  readonly #cold = new Queue<Reader>();
  readonly #endListening: () => void;
  #reading = 0;
  #resting = false;
  /** Of everything up to here readers were told. */
  #told: Position;

  readonly #onResume = (reader: Reader): void => this.#queue(reader);

  constructor(options: ReadersOptions) {
    this.#options = options;
    this.#told = options.log.head();
    this.#endListening = options.log.wake((entries) => this.#onFresh(entries));
  }

  open(reading: Reading, sink: Sink): Reader {
    const reader = new Reader(reading, sink, this.#options.payloads, this.#onResume);
    this.#open.add(reader);
    this.#queue(reader);
    return reader;
  }

  close(reader: Reader): void {
    reader.state = 'ended';
    this.#open.delete(reader);
  }

  /** Gives the reader an entry again, before anything else. */
  repeat(reader: Reader, repeat: Repeat): void {
    if (reader.state === 'ended') return;
    reader.addRepeat(repeat);
    if (reader.state === 'full') reader.resume();
    else this.#wake(reader, this.#told);
  }

  /** The position of {@link cursorOf}. */
  standOf(reader: Reader): Position {
    return reader.state === 'live' && this.#told > reader.position ? this.#told : reader.position;
  }

  /** Where the reader stands: everything of its topics up to this cursor was given, or was not for it. */
  cursorOf(reader: Reader): string {
    return cursorOf(this.#options.log, this.standOf(reader));
  }

  /** Whether somebody follows the topic at the moment. */
  isRead(topic: string): boolean {
    return this.#open.isRead(topic);
  }

  stop(): void {
    this.#endListening();
    for (const reader of this.#open.all) this.close(reader);
  }

  /** Whoever was live had everything up to what was told before: from there it reads on. */
  #onFresh(entries: readonly Entry[]): void {
    const before = this.#told;
    this.#told = entries.at(-1)!.position;
    for (const topic of new Set(entries.map((entry) => entry.topic))) {
      if (!this.#open.isRead(topic)) continue;
      const found = this.#options.log.peek([topic], before, MOST_AT_ONCE);
      for (const reader of this.#open.naming(topic)) this.#wake(reader, before, found);
      for (const reader of this.#open.matching(topic)) this.#wake(reader, before);
    }
  }

  /** `found` is what follows that position of the topic, looked up once for all who read nothing else. */
  #wake(reader: Reader, before: Position, found?: Followed): void {
    if (reader.state !== 'live') return;
    if (before > reader.position) reader.position = before;
    if (reader.followsOne && reader.position === before) reader.found = found;
    this.#queue(reader);
  }

  #queue(reader: Reader): void {
    reader.state = 'ready';
    this.#ready.enqueue(reader);
    this.#rest();
  }

  /** Goes on after everything that is ready in this turn of the event loop: publishers get their answers in between. */
  #rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.#serve();
    });
  }

  #serve(): void {
    const { clock } = this.#options;
    const endsAt = clock.monotonic() + SLICE_MS;
    while (this.#isBusy && clock.monotonic() <= endsAt) {
      if (this.#withRoom.size === 0) this.#askForRoom();
      const reader = this.#withRoom.dequeue();
      if (reader !== undefined) this.#step(reader);
    }
    if (this.#isBusy) this.#rest();
  }

  get #isBusy(): boolean {
    return this.#ready.size > 0 || this.#withRoom.size > 0;
  }

  #askForRoom(): void {
    for (let nth = 0; nth < TOGETHER && this.#ready.size > 0; nth++) {
      const reader = this.#ready.dequeue()!;
      if (this.#hasRoom(reader)) this.#withRoom.enqueue(reader);
    }
  }

  /** Whether the reader can have its turn; it waits for room when it has none. */
  #hasRoom(reader: Reader): boolean {
    if (reader.state !== 'ready') return false;
    try {
      if (reader.sink.room(reader.hasRepeats) > 0) return true;
      reader.state = 'full';
      reader.found = undefined;
    } catch (error) {
      this.#fail(reader, error);
    }
    return false;
  }

  #step(reader: Reader): void {
    // What happened since it was asked may have ended it, or taken the room: others share its connection, and its client may pause.
    if (!this.#hasRoom(reader)) return;
    const known = reader.found;
    reader.found = undefined;
    try {
      const { selection, position, hasRepeats } = reader;
      const found = hasRepeats
        ? undefined
        : (known ?? selection.peek(this.#options.log, position, MOST_AT_ONCE));
      if (found === undefined) this.#readLater(reader);
      else this.#take(reader, found);
    } catch (error) {
      // A sink that fails has a defect, which costs the others nothing (LAW 7).
      this.#fail(reader, error);
    }
  }

  #readLater(reader: Reader): void {
    reader.state = 'reading';
    this.#cold.enqueue(reader);
    this.#readCold();
  }

  #readCold(): void {
    while (this.#reading < MOST_READING && this.#cold.size > 0) {
      const reader = this.#cold.dequeue()!;
      if (reader.state !== 'reading') continue;
      this.#reading += 1;
      void this.#read(reader).finally(() => {
        this.#reading -= 1;
        this.#readCold();
      });
    }
  }

  async #read(reader: Reader): Promise<void> {
    const { log } = this.#options;
    try {
      const repeat = reader.takeRepeat();
      if (repeat !== undefined) {
        await this.#giveAgain(reader, repeat);
        return;
      }
      const head = log.head();
      const found = await reader.selection.read(log, reader.position, MOST_AT_ONCE);
      if (reader.state !== 'reading') return;
      // The store said so of everything up to then; what came meanwhile is in memory.
      reader.found = found.kind === 'caught-up' ? { kind: 'skipped', to: head } : found;
      // Given in the reader's turn: by then the store was asked for what follows, and works on it meanwhile.
      this.#queue(reader);
    } catch (error) {
      this.#fail(reader, error);
    }
  }

  #fail(reader: Reader, error: unknown): void {
    this.#options.events.emit('fault', { where: 'reading', error });
    this.close(reader);
    reader.sink.failed();
  }

  #take(reader: Reader, found: Followed): void {
    switch (found.kind) {
      case 'caught-up':
        this.#goLive(reader);
        return;
      case 'skipped':
        if (found.to > reader.position) reader.position = found.to;
        break;
      case 'gap':
        this.#takeGap(reader, found.resume);
        break;
      case 'entries':
        this.#giveAll(reader, found.entries);
        if (this.#hasEnded(reader)) return;
        // Nothing follows what was told last: it need not have another turn to find that out.
        if (this.#hasAll(reader)) {
          this.#goLive(reader);
          return;
        }
    }
    if (!this.#hasEnded(reader)) this.#queue(reader);
  }

  #hasAll({ position, hasRepeats }: Reader): boolean {
    return position === this.#told && !hasRepeats;
  }

  #goLive(reader: Reader): void {
    reader.state = 'live';
    reader.sink.live();
  }

  #giveAll(reader: Reader, entries: readonly Entry[]): void {
    const { sink } = reader;
    if (entries.length > 1) sink.cork?.();
    try {
      for (let nth = 0; nth < entries.length; nth++) {
        // There was room for the first. What does not fit is read again when there is room.
        if (nth > 0 && sink.room(false) <= 0) break;
        this.#give(reader, entries[nth]!);
        if (this.#hasEnded(reader)) break;
      }
    } finally {
      // Also where giving fails: what others send over the same connection would wait for ever (LAW 7).
      if (entries.length > 1) sink.uncork?.();
    }
  }

  #give(reader: Reader, entry: Entry): void {
    const before = reader.position;
    reader.position = entry.position;
    if (!reader.wants(entry)) return;
    if (entry.corrupt) reader.sink.gap(this.#gap(before, entry.position, 'damaged', 1));
    else reader.sink.entry(entry);
  }

  async #giveAgain(reader: Reader, repeat: Repeat): Promise<void> {
    const { log } = this.#options;
    const { position, onDropped } = repeat;
    const [at] = await log.contentsThrough(position, 1);
    const entry = at?.position === position ? await log.find(at.topic, position) : undefined;
    if (this.#hasEnded(reader)) return;
    if (entry === undefined || entry.corrupt || !reader.wants(entry)) {
      onDropped();
      if (entry === undefined || entry.corrupt)
        reader.sink.gap(this.#gap(position, reader.position, entry === undefined ? 'evicted' : 'damaged', 1));
    } else if (reader.sink.room(true) > 0) reader.sink.entry(entry);
    // The room went to others of its connection, or its client pauses: it is found again once there is room.
    else reader.putBack(repeat);
    if (!this.#hasEnded(reader)) this.#queue(reader);
  }

  #takeGap(reader: Reader, resume: Position): void {
    const before = reader.position;
    reader.position = reader.onGap === 'latest' ? this.#options.log.head() : resume;
    reader.sink.gap(this.#gap(before, reader.position, 'evicted', null));
  }

  #gap(before: Position, after: Position, reason: Gap['reason'], lost: Gap['lost']): Gap {
    const { log } = this.#options;
    return { requested: cursorOf(log, before), resumedAfter: cursorOf(log, after), lost, reason };
  }

  /** A sink may end its reader whenever it is given something. */
  #hasEnded(reader: Reader): boolean {
    return reader.state === 'ended';
  }
}
