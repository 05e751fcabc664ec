import type { Presence, PresenceChange, PresenceRecord } from '../presence.js';
import type { PresenceMessage } from './messages.js';

export interface AttendanceOptions {
  readonly presence: Presence;
  readonly room: string;
  readonly say: (message: PresenceMessage) => void;
  /** Whether the client takes something at the moment. */
  readonly hasRoom: () => boolean;
  /** So much has changed while it took nothing that it had better begin anew. */
  readonly onOverwhelmed: () => void;
}

const MOST_UNTOLD = 2_000;

/** What a subscription says and hears of who is there. */
export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #unwatch: () => void;
  #joined: string | undefined;
  /** Whoever came or went while the client took nothing: told once it does, as it is then (LAW 7). */
  readonly #untold = new Set<string>();

  constructor(options: AttendanceOptions) {
    const { presence, room } = options;
    this.#options = options;
    this.#unwatch = presence.watch(room, (change) => this.#onChange(change));
  }

  join(record: PresenceRecord): void {
    const { presence, room } = this.#options;
    if (this.#joined !== record.id) this.leave();
    if (presence.join(room, record, this)) this.#joined = record.id;
    else this.refuse();
  }

  refuse(): void {
    this.#options.say({ type: 'error' });
  }

  leave(how: 'left' | 'lost' = 'left'): void {
    const { presence, room } = this.#options;
    if (this.#joined !== undefined) presence.leave(room, this.#joined, this, how);
    this.#joined = undefined;
  }

  /** Says who is there. */
  tell(): void {
    const { presence, room, say } = this.#options;
    const records = presence.records(room);
    this.#untold.clear();
    say({ type: 'info', total: records.length, records });
  }

  /** Says what could not be said before. */
  catchUp(): void {
    const { presence, room, say, hasRoom } = this.#options;
    if (this.#untold.size === 0 || !hasRoom()) return;
    const present = new Map(presence.records(room).map((record) => [record.id, record]));
    for (const id of this.#untold) {
      const record = present.get(id);
      say(record === undefined ? { type: 'leave', id } : { type: 'join', ...record });
    }
    this.#untold.clear();
  }

  /** `lost`: the connection broke, and may be back. */
  end(how: 'left' | 'lost'): void {
    this.#unwatch();
    this.leave(how);
  }

  #onChange(change: PresenceChange): void {
    const { hasRoom, say, onOverwhelmed } = this.#options;
    if (this.#untold.size === 0 && hasRoom()) say(change);
    else if (this.#untold.size < MOST_UNTOLD) this.#untold.add(change.id);
    else onOverwhelmed();
  }
}
