import type { Parcel } from '../delivery/sender.js';

/** A parcel that a thread has. */
export interface Load {
  readonly key: number;
  readonly parcel: Parcel;
  /** Sendings under way that name it. */
  sendings: number;
}

export interface LoadBounds {
  readonly parcels: number;
  /** Of their bodies. */
  readonly bytes: number;
}

/** Callbacks that take turns mostly need what the others have just been given. */
const IDLE: LoadBounds = { parcels: 256, bytes: 8 * 1024 * 1024 };

/**
 * Which parcels a thread has: each is taken there once, and stays while sendings name it. What none names is kept up to a
 * bound, since the next in turn may want it (LAW 8).
 */
export class LoadedParcels {
  readonly #idleBounds: LoadBounds;
  readonly #loads = new Map<Parcel, Load>();
  /** Those that no sending names, the longest idle first. */
  readonly #idle = new Set<Load>();
  #idleBytes = 0;
  #lastKey = 0;

  constructor(idleBounds = IDLE) {
    this.#idleBounds = idleBounds;
  }

  /** One sending more names the parcel; it has to be taken to the thread when its load `isNew`. */
  take(parcel: Parcel): { readonly load: Load; readonly isNew: boolean } {
    const known = this.#loads.get(parcel);
    const load = known ?? { key: ++this.#lastKey, parcel, sendings: 0 };
    if (known === undefined) this.#loads.set(parcel, load);
    else if (this.#idle.delete(load)) this.#idleBytes -= parcel.body.byteLength;
    load.sendings += 1;
    return { load, isNew: known === undefined };
  }

  /** One sending less. Answers the keys of what the thread is to drop. */
  release(load: Load): readonly number[] {
    load.sendings -= 1;
    if (load.sendings > 0) return NONE;
    this.#idle.add(load);
    this.#idleBytes += load.parcel.body.byteLength;
    return this.#isOverfull ? this.#dropOldest() : NONE;
  }

  get #isOverfull(): boolean {
    return this.#idle.size > this.#idleBounds.parcels || this.#idleBytes > this.#idleBounds.bytes;
  }

  #dropOldest(): readonly number[] {
    const dropped: number[] = [];
    for (const load of this.#idle) {
      if (!this.#isOverfull) break;
      this.#idle.delete(load);
      this.#idleBytes -= load.parcel.body.byteLength;
      this.#loads.delete(load.parcel);
      dropped.push(load.key);
    }
    return dropped;
  }
}

const NONE: readonly number[] = [];
