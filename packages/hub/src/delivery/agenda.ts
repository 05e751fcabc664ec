import type { CancelTimer, Clock } from '@websub/shared';

/** Something that wants attention at a time. One object has at most one time on the agenda. */
export interface AgendaItem {
  /** Milliseconds since the epoch; kept by the agenda. */
  agendaTime: number;
  /** Place in the agenda's heap; -1 when not on it. */
  agendaIndex: number;
}

// A wall clock may jump; looking again now and then bounds how late anything is noticed.
const LONGEST_SLEEP_MS = 60_000;
// Nothing else would get a turn while a million leases end in the same second.
const MOST_IN_ONE_TURN = 1_000;

/** What the hub has promised to do next, by due time. One timer sleeps until the earliest. */
export class Agenda<Item extends AgendaItem> {
  readonly #clock: Clock;
  readonly #onDue: (item: Item) => void;
  readonly #heap: Item[] = [];
  #cancel: CancelTimer | undefined;
  #wakesAt = Infinity;
  #stopped = false;

  constructor(clock: Clock, onDue: (item: Item) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Puts the item at `time`, moves it there, or takes it off when `time` is `Infinity`. */
  schedule(item: Item, time: number): void {
    if (time === Infinity) {
      this.#remove(item);
      return;
    }
    if (item.agendaIndex < 0) {
      item.agendaIndex = this.#heap.length;
      item.agendaTime = time;
      this.#heap.push(item);
      this.#up(item.agendaIndex);
    } else if (item.agendaTime === time) return;
    else {
      item.agendaTime = time;
      this.#up(item.agendaIndex);
      this.#down(item.agendaIndex);
    }
    this.#hasten();
  }

  /** The wall clock jumped: what is due comes sooner or later than the timer. */
  rearm(): void {
    this.#wakesAt = Infinity;
    this.#hasten();
  }

  /** Ends the timer; nothing becomes due any more. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #hasten(): void {
    // First of all: the clock may tell of a jump, which changes the agenda.
    const now = this.#clock.now();
    const next = this.#heap[0];
    if (next === undefined || this.#stopped || next.agendaTime >= this.#wakesAt) return;
    this.#cancel?.();
    this.#wakesAt = next.agendaTime;
    const delay = Math.min(Math.max(next.agendaTime - now, 0), LONGEST_SLEEP_MS);
    this.#cancel = this.#clock.after(delay, () => this.#wake());
  }

  #wake(): void {
    this.#wakesAt = Infinity;
    const now = this.#clock.now();
    // Each turn takes an item off the heap, so this ends.
    for (let turn = 0; turn < MOST_IN_ONE_TURN; turn++) {
      const item = this.#heap[0];
      if (item === undefined || item.agendaTime > now) break;
      this.#remove(item);
      this.#onDue(item);
    }
    this.#hasten();
  }

  #remove(item: Item): void {
    const index = item.agendaIndex;
    if (index < 0) return;
    item.agendaIndex = -1;
    const last = this.#heap.pop()!;
    if (last === item) return;
    this.#place(last, index);
    this.#up(index);
    this.#down(last.agendaIndex);
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#heap[parent]!.agendaTime <= this.#heap[index]!.agendaTime) return;
      this.#swap(parent, index);
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      let least = index;
      for (const child of [left, left + 1]) {
        if (child < this.#heap.length && this.#heap[child]!.agendaTime < this.#heap[least]!.agendaTime)
          least = child;
      }
      if (least === index) return;
      this.#swap(least, index);
      index = least;
    }
  }

  #swap(a: number, b: number): void {
    const item = this.#heap[a]!;
    this.#place(this.#heap[b]!, a);
    this.#place(item, b);
  }

  #place(item: Item, index: number): void {
    this.#heap[index] = item;
    item.agendaIndex = index;
  }
}
