export interface SpareSlotsOptions {
  readonly perHost: number;
  readonly inAll: number;
}

/** Of a host's slots, and of all, so much is left to the first request of everybody else. */
const RESERVE = 0.25;

/**
 * Slots that one subscription may take besides its first. They are but three quarters of what a host, and the hub, has: a
 * callback that hangs with all of its window in flight keeps nobody else from being served (LAW 7).
 */
export class SpareSlots {
  readonly #mostPerHost: number;
  readonly #mostInAll: number;
  readonly #byHost = new Map<string, number>();
  #inAll = 0;

  constructor({ perHost, inAll }: SpareSlotsOptions) {
    this.#mostPerHost = perHost - Math.ceil(perHost * RESERVE);
    this.#mostInAll = inAll - Math.ceil(inAll * RESERVE);
  }

  /** False when there is none. */
  take(host: string): boolean {
    const taken = this.#byHost.get(host) ?? 0;
    if (taken >= this.#mostPerHost || this.#inAll >= this.#mostInAll) return false;
    this.#byHost.set(host, taken + 1);
    this.#inAll++;
    return true;
  }

  give(host: string): void {
    const taken = this.#byHost.get(host) ?? 0;
    if (taken > 1) this.#byHost.set(host, taken - 1);
    else this.#byHost.delete(host);
    this.#inAll--;
  }
}
