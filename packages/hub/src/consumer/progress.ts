import type { Position } from '../log/log.js';
import type { ConsumerPlace, OpenEntry } from './consumer.js';

interface Waiting {
  readonly attempts: number;
  readonly dueAt: number;
  /** Whether it is being fetched to be given again. */
  asked: boolean;
}

/** What a consumer was given, and what of that it has acknowledged. Pure: it knows no time and no store. */
export class Progress {
  #through: Position;
  #beganAt: Position;
  /** Given and not acknowledged, in the order of giving, with how often. */
  readonly #given = new Map<Position, number>();
  /** To be given again. */
  readonly #waiting = new Map<Position, Waiting>();

  constructor({ position, beganAt, open }: ConsumerPlace) {
    this.#through = position;
    this.#beganAt = beganAt;
    for (const { position: at, attempts, dueAt } of open)
      this.#waiting.set(at, { attempts, dueAt, asked: false });
  }

  /** Everything up to here is settled, except what is open. */
  get through(): Position {
    return this.#through;
  }

  /** Where it was when somebody began to use it last. */
  get beganAt(): Position {
    return this.#beganAt;
  }

  /** Entries that were given and are not acknowledged, those included that will be given again. */
  get unsettled(): number {
    return this.#given.size + this.#waiting.size;
  }

  /** Somebody begins to use it. */
  begin(): void {
    this.#beganAt = this.#through;
  }

  /** The entry is given, for the first time or again. */
  give(position: Position): void {
    const attempts = (this.#waiting.get(position)?.attempts ?? 0) + 1;
    this.#waiting.delete(position);
    this.#given.set(position, attempts);
  }

  /** Acknowledges everything that was given up to this entry, in the order of giving; of another position, everything before it. */
  settleThrough(position: Position): void {
    const isKnown = this.#given.has(position);
    for (const one of this.#given.keys()) {
      if (!isKnown && one > position) continue;
      this.#given.delete(one);
      this.#raise(one);
      if (one === position) break;
    }
    this.#raise(position);
  }

  /** Acknowledges this entry alone; false when it was not given. */
  settleOne(position: Position): boolean {
    if (!this.#given.delete(position)) return false;
    this.#raise(position);
    return true;
  }

  /** Acknowledges everything that was given. */
  settleAll(): void {
    for (const one of this.#given.keys()) this.#raise(one);
    this.#given.clear();
  }

  /** The entry shall be given again at this time; false when it was not given. */
  giveAgain(position: Position, dueAt: number): boolean {
    const attempts = this.#given.get(position);
    if (attempts === undefined) return false;
    this.#given.delete(position);
    this.#waiting.set(position, { attempts, dueAt, asked: false });
    return true;
  }

  /** There is no such entry any more, or it is not wanted. */
  drop(position: Position): void {
    this.#waiting.delete(position);
  }

  /** Everything up to here was given or was not wanted: what lies behind the last acknowledgement is settled with it. */
  stand(position: Position): void {
    for (const one of this.#given.keys()) if (one > this.#through) return;
    this.#raise(position);
  }

  /** Takes what is due to be given again, in the order of the log; each is taken once. */
  takeDue(now: number): readonly Position[] {
    const due = [...this.#waiting].filter(([, waiting]) => !waiting.asked && waiting.dueAt <= now);
    for (const [, waiting] of due) waiting.asked = true;
    return due.map(([position]) => position).toSorted((one, other) => one - other);
  }

  /** When something is due next; `Infinity` for never. */
  nextDue(): number {
    let next = Infinity;
    for (const { asked, dueAt } of this.#waiting.values()) if (!asked && dueAt < next) next = dueAt;
    return next;
  }

  /** Nobody uses it any more: what was not acknowledged will be given again. */
  end(): void {
    const { open } = this.place;
    this.#given.clear();
    this.#waiting.clear();
    for (const { position, attempts, dueAt } of open)
      this.#waiting.set(position, { attempts, dueAt, asked: false });
  }

  /** Goes on after this position, whatever was before. */
  seek(position: Position): void {
    this.#given.clear();
    this.#waiting.clear();
    this.#through = this.#beganAt = position;
  }

  /** As it is stored: whoever goes on from it is given again whatever was not acknowledged, and nothing else. */
  get place(): ConsumerPlace {
    const open: OpenEntry[] = [];
    for (const [position, attempts] of this.#given)
      if (position <= this.#through) open.push({ position, attempts, dueAt: 0 });
    // What lies behind is read anyway.
    for (const [position, { attempts, dueAt }] of this.#waiting)
      if (position <= this.#through) open.push({ position, attempts, dueAt });
    return { position: this.#through, beganAt: this.#beganAt, open };
  }

  #raise(position: Position): void {
    if (position > this.#through) this.#through = position;
  }
}
