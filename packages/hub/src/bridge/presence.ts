import type { CancelTimer, Clock } from '@websub/shared';

/** Somebody who says that he is there. */
export interface PresenceRecord {
  /** Of the same id in several places it is one. */
  readonly id: string;
  /** Whatever others shall know. */
  readonly info: unknown;
}

/** Somebody came, told something new of himself, or went. */
export type PresenceChange =
  ({ readonly type: 'join' } & PresenceRecord) | { readonly type: 'leave'; readonly id: string };

interface Member {
  info: unknown;
  /** The connections that say so. */
  readonly holders: Set<object>;
  /** Of one that is away, and may come back. */
  cancelLeave: CancelTimer | undefined;
}

interface Room {
  readonly members: Map<string, Member>;
  readonly listeners: Set<(change: PresenceChange) => void>;
}

/** A connection that broke is back in so long, or its owner has gone. */
export const AWAY_MS = 15_000;
const MOST_IN_A_ROOM = 1_000;
const MOST_IN_ALL = 50_000;

/** Who is there, by room: as connections say, in memory only. After a restart of the hub everybody comes anew. */
export class Presence {
  readonly #clock: Clock;
  readonly #onChange: (room: string, change: PresenceChange) => void;
  readonly #rooms = new Map<string, Room>();
  #members = 0;

  /** `onChange` is told of every change in every room. */
  constructor(clock: Clock, onChange: (room: string, change: PresenceChange) => void = () => undefined) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Tells of each change, until what is returned is called. */
  watch(room: string, listener: (change: PresenceChange) => void): () => void {
    this.#roomOf(room).listeners.add(listener);
    return () => {
      this.#rooms.get(room)?.listeners.delete(listener);
      this.#tidy(room);
    };
  }

  /** The holder says that somebody is there; false when there is no room for more. */
  join(room: string, { id, info }: PresenceRecord, holder: object): boolean {
    const { members } = this.#roomOf(room);
    const known = members.get(id);
    if (known === undefined && (members.size >= MOST_IN_A_ROOM || this.#members >= MOST_IN_ALL)) {
      this.#tidy(room);
      return false;
    }
    const member = known ?? { info, holders: new Set(), cancelLeave: undefined };
    member.holders.add(holder);
    member.cancelLeave?.();
    member.cancelLeave = undefined;
    const isNews = known === undefined || JSON.stringify(known.info) !== JSON.stringify(info);
    member.info = info;
    if (known === undefined) {
      members.set(id, member);
      this.#members += 1;
    }
    if (isNews) this.#tell(room, { type: 'join', id, info });
    return true;
  }

  /** The holder no longer says so. When nobody does, he has gone: at once, or, `lost`, unless he is back in time. */
  leave(room: string, id: string, holder: object, how: 'left' | 'lost'): void {
    const member = this.#rooms.get(room)?.members.get(id);
    if (member?.holders.delete(holder) !== true || member.holders.size > 0) return;
    if (how === 'left') this.#remove(room, id);
    else member.cancelLeave = this.#clock.after(AWAY_MS, () => this.#remove(room, id));
  }

  /** How many are there. */
  count(room: string): number {
    return this.#rooms.get(room)?.members.size ?? 0;
  }

  /** Everybody who is there. */
  records(room: string): readonly PresenceRecord[] {
    const members = this.#rooms.get(room)?.members ?? new Map<string, Member>();
    return [...members].map(([id, { info }]) => ({ id, info }));
  }

  #remove(room: string, id: string): void {
    if (this.#rooms.get(room)?.members.delete(id) !== true) return;
    this.#members -= 1;
    this.#tell(room, { type: 'leave', id });
    this.#tidy(room);
  }

  #tell(room: string, change: PresenceChange): void {
    this.#onChange(room, change);
    for (const listener of this.#rooms.get(room)?.listeners ?? []) listener(change);
  }

  #roomOf(room: string): Room {
    const known = this.#rooms.get(room);
    if (known !== undefined) return known;
    const made: Room = { members: new Map(), listeners: new Set() };
    this.#rooms.set(room, made);
    return made;
  }

  #tidy(room: string): void {
    const found = this.#rooms.get(room);
    if (found?.members.size === 0 && found.listeners.size === 0) this.#rooms.delete(room);
  }
}
