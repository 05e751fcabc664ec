import type { Position } from '../log/log.js';

/** What lies beyond a place: everything up to `reach` is settled, except what is open. */
export interface Beyond {
  readonly reach: Position;
  /** In log order, at most {@link MOST_OPEN}. */
  readonly open: readonly OpenEntry[];
}

/** An entry that was given and is not settled. */
export interface OpenEntry {
  readonly position: Position;
  /** What it follows: of its topic, nothing lies in between. */
  readonly after: Position;
  /** Attempts that failed. */
  readonly attempts: number;
  /** No attempt before this time, milliseconds since the epoch. */
  readonly dueAt: number;
}

/** An entry in a window. */
export interface WindowEntry extends OpenEntry {
  attempts: number;
  dueAt: number;
  /** `stray`: its request is in flight although what it was of is forgotten. */
  state: 'waiting' | 'in-flight' | 'stray';
  /** Which sending of the window its last one was. */
  sending: number;
  /** It failed, and the callback took another since: that it fails again says nothing about the callback. */
  isOutlier: boolean;
}

/**
 * How a window goes on. `wide`: with all that fits. `one-by-one`: with one request at a time, in whatever order.
 * `in-order`: with the oldest entry only, and nothing new. `dissolve`: not at all.
 */
export type Manner = 'wide' | 'one-by-one' | 'in-order' | 'dissolve';

/** What to do next: to send an entry again, to take what follows the reach, or to dissolve the window. */
export type Step = WindowEntry | 'next' | 'dissolve';

/** Entries that are not settled, in flight or waiting to be sent again (LAW 3). */
export const MOST_OPEN = 32;

/**
 * What one subscription was given without waiting for what went before. All that is behind `reach` and not open is settled,
 * however much that is: the bound is on what is open. Pure: it knows no time, no log and no store.
 */
export class Window {
  #reach: Position;
  #open: WindowEntry[] = [];
  #inFlight = 0;
  #strays = 0;
  #sendings = 0;
  /** The last sending that was under way when the last failure became known. */
  #toldThrough = 0;

  constructor(reach: Position) {
    this.#reach = reach;
  }

  /** As it was stored; what was in flight then is due. `latestDueAt` bounds how long anything waits. */
  static from({ reach, open }: Beyond, latestDueAt: number): Window {
    const window = new Window(reach);
    window.#open = open.map((entry) => ({
      ...entry,
      dueAt: Math.min(entry.dueAt, latestDueAt),
      state: 'waiting',
      sending: 0,
      isOutlier: false,
    }));
    return window;
  }

  /** As it is stored; `null` when the floor says all. */
  get beyond(): Beyond | null {
    if (this.#open.length === 0) return null;
    const open = this.#open.map(({ position, after, attempts, dueAt }) => ({
      position,
      after,
      attempts,
      dueAt,
    }));
    return { reach: this.#reach, open };
  }

  /** Everything up to here is settled. */
  get floor(): Position {
    return this.#open[0]?.after ?? this.#reach;
  }

  /** Everything up to here was given, or passed over. */
  get reach(): Position {
    return this.#reach;
  }

  get open(): readonly WindowEntry[] {
    return this.#open;
  }

  /** Requests, strays included. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Nothing is open and nothing in flight: the floor says all. */
  get isOver(): boolean {
    return this.#open.length === 0 && this.#inFlight === 0;
  }

  /** The last position up to which nothing newer is settled: what follows it is all open, or was never given. */
  get settledThrough(): Position {
    let through = this.#reach;
    for (const { position, after } of this.#open.toReversed()) {
      if (position !== through) break;
      through = after;
    }
    return through;
  }

  /** What may be done now; `undefined` for nothing. `newest` is the topic's newest position. */
  step(manner: Manner, newest: Position, now: number): Step | undefined {
    // What was forgotten while it was in flight may be the same entries: none is in flight twice.
    if (this.#strays > 0 || this.#inFlight >= (manner === 'wide' ? MOST_OPEN : 1)) return undefined;
    if (manner === 'dissolve') return 'dissolve';
    const first = this.#open[0];
    if (manner === 'in-order' && first !== undefined) return first.dueAt <= now ? first : undefined;
    const next = this.#open.length < MOST_OPEN && this.#reach < newest ? 'next' : undefined;
    // Of a callback that fails, what it was never given finds out more; and behind what fails again it might wait for days.
    if (manner === 'one-by-one' && next !== undefined) return next;
    return this.#open.find(({ state, dueAt }) => state === 'waiting' && dueAt <= now) ?? next;
  }

  /** When an entry that waits is due, later than now; `Infinity` for never. */
  nextDue(now: number): number {
    let next = Infinity;
    for (const { state, dueAt } of this.#open)
      if (state === 'waiting' && dueAt > now && dueAt < next) next = dueAt;
    return next;
  }

  /** The entry that follows the reach is sent for the first time. */
  take(position: Position, attempts: number): WindowEntry {
    const entry: WindowEntry = {
      position,
      after: this.#reach,
      attempts,
      dueAt: 0,
      state: 'waiting',
      sending: 0,
      isOutlier: false,
    };
    this.#open.push(entry);
    this.#reach = position;
    this.send(entry);
    return entry;
  }

  /** An entry that was waiting is sent. */
  send(entry: WindowEntry): void {
    entry.state = 'in-flight';
    entry.sending = ++this.#sendings;
    this.#inFlight++;
  }

  /** The entry needs no further attempt. False when the window knows it no more. */
  settle(entry: WindowEntry): boolean {
    const index = this.#open.indexOf(entry);
    if (index >= 0) this.#open.splice(index, 1);
    return index >= 0;
  }

  /** What follows the reach, up to this position, is not to be had. */
  pass(position: Position): void {
    this.#reach = position;
  }

  /** The request is over: unless it was settled, the entry waits. */
  land(entry: WindowEntry): void {
    this.#inFlight--;
    if (entry.state === 'stray') this.#strays--;
    else entry.state = 'waiting';
  }

  /**
   * A request failed. False when it was under way already when an earlier failure became known: of requests that are in
   * flight together, one speaks for all.
   */
  noteFailure({ sending }: WindowEntry): boolean {
    if (sending <= this.#toldThrough) return false;
    this.#toldThrough = this.#sendings;
    return true;
  }

  /** A request succeeded. */
  noteSuccess(): void {
    for (const entry of this.#open) if (entry.attempts > 0) entry.isOutlier = true;
  }

  /** What follows the position is given (again); what is open before it stays so. */
  rewind(position: Position): void {
    this.#keep(this.#open.filter((entry) => entry.position <= position));
    this.#reach = position;
  }

  /** Everything up to the position is settled, and what follows it is to be given (again). */
  moveTo(position: Position): void {
    this.#keep([]);
    this.#reach = position;
  }

  /** All else is forgotten. */
  #keep(kept: WindowEntry[]): void {
    for (const entry of this.#open) {
      if (entry.state !== 'in-flight' || kept.includes(entry)) continue;
      entry.state = 'stray';
      this.#strays++;
    }
    this.#open = kept;
  }

  /** What waits is due at once. */
  hasten(): void {
    for (const entry of this.#open) entry.dueAt = 0;
  }

  /** The wall clock jumped: what waits does so as long as before; false when nothing does. */
  shift(byMs: number): boolean {
    let waits = false;
    for (const entry of this.#open) {
      if (entry.dueAt === 0) continue;
      entry.dueAt += byMs;
      waits = true;
    }
    return waits;
  }
}
