import Queue from 'yocto-queue';

interface Host<Item> {
  readonly key: string;
  readonly waiting: Queue<Item>;
  inFlight: number;
  /** What may be in flight at present. */
  slots: number;
  /** Whether the host stands in the round. */
  inRound: boolean;
  /** Whether it takes a slot of its own instead of one of all. */
  readonly apart: boolean;
}

export interface HostTurnsOptions {
  readonly perHost: number;
  readonly inAll: number;
  /** What a host is given to begin with; {@link HostTurns.widenHosts} gives it the rest. Default: all of `perHost`. */
  readonly perHostAtFirst?: number;
  /** The same of all hosts together. Default: all of `inAll`. */
  readonly inAllAtFirst?: number;
  /** Has `perHost` slots besides those of all, so that nobody else can keep it waiting. */
  readonly hostApart?: string;
}

/**
 * Bounds what is in flight, in all and per host, and gives each host its turn (LAW 7): a host that hangs holds its own
 * slots only, and a host with ten thousand waiting items is served no more often than one with a single item.
 */
export class HostTurns<Item> {
  readonly #mostPerHost: number;
  readonly #mostInAll: number;
  readonly #firstPerHost: number;
  readonly #firstInAll: number;
  readonly #hosts = new Map<string, Host<Item>>();
  readonly #hostApart: string | undefined;
  /** Hosts with something waiting and a free slot, in the order of their turns. */
  readonly #round = new Queue<Host<Item>>();
  /** The same, of the host whose slots are its own. */
  readonly #roundApart = new Queue<Host<Item>>();
  /** Hosts whose items wait for nothing but a slot, and that may have more of them. */
  readonly #cramped = new Set<Host<Item>>();
  /** What may be in flight in all at present. */
  #slots: number;
  #inFlight = 0;
  #inFlightApart = 0;
  #waiting = 0;
  #serving = false;

  constructor(options: HostTurnsOptions) {
    const { perHost, inAll, perHostAtFirst = perHost, inAllAtFirst = inAll, hostApart } = options;
    this.#mostPerHost = perHost;
    this.#mostInAll = inAll;
    this.#firstPerHost = Math.min(perHost, perHostAtFirst);
    this.#slots = this.#firstInAll = Math.min(inAll, inAllAtFirst);
    this.#hostApart = hostApart;
  }

  get inFlight(): number {
    return this.#inFlight + this.#inFlightApart;
  }

  get waiting(): number {
    return this.#waiting;
  }

  add(hostKey: string, item: Item): void {
    let host = this.#hosts.get(hostKey);
    if (host === undefined) {
      const apart = hostKey === this.#hostApart;
      const slots = this.#firstPerHost;
      host = { key: hostKey, waiting: new Queue(), inFlight: 0, slots, inRound: false, apart };
      this.#hosts.set(hostKey, host);
    }
    host.waiting.enqueue(item);
    this.#waiting++;
    this.#joinRound(host);
  }

  /** Whether something waits that could start now. */
  get canServe(): boolean {
    return this.#roundApart.size > 0 || (this.#round.size > 0 && this.#inFlight < this.#slots);
  }

  /** Whether something waits for nothing but a slot, and there could be more of them. */
  get isCramped(): boolean {
    return this.#cramped.size > 0 || this.#isFull;
  }

  /** Whether hosts wait for a slot of all. */
  get #isFull(): boolean {
    return this.#inFlight >= this.#slots && this.#slots < this.#mostInAll && this.#round.size > 0;
  }

  /** Gives all its slots to each host where something waits for one. */
  widenHosts(): void {
    const cramped = [...this.#cramped];
    this.#cramped.clear();
    for (const host of cramped) {
      host.slots = this.#mostPerHost;
      this.#joinRound(host);
    }
  }

  /** Gives all slots that there may be to all together, where something waits for one, and to the hosts where it does. */
  widenAll(): void {
    if (this.#isFull) {
      this.#slots = this.#mostInAll;
      // They would wait for their own as soon as they had been given those.
      for (const host of this.#round) if (host.inFlight > 0) host.slots = this.#mostPerHost;
    }
    this.widenHosts();
  }

  /** All together have the slots that they had at first again, besides so many that are taken for long. */
  narrow(taken: number): void {
    this.#slots = Math.min(this.#firstInAll + taken, this.#mostInAll);
  }

  /**
   * Starts every item whose turn it is, for as long as `goOn` says; each holds a slot of its host until {@link release}.
   * Called again from within `start` it does nothing, since the loop under way goes on: items that end at once must not
   * pile up on the stack.
   */
  serve(start: (item: Item) => void, goOn: () => boolean = () => true): void {
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (goOn()) {
        const item = this.#take();
        if (item === undefined) break;
        start(item);
      }
    } finally {
      this.#serving = false;
    }
  }

  #take(): Item | undefined {
    const host =
      this.#roundApart.dequeue() ?? (this.#inFlight < this.#slots ? this.#round.dequeue() : undefined);
    if (host === undefined) return undefined;
    host.inRound = false;
    this.#count(host, 1);
    this.#waiting--;
    const item = host.waiting.dequeue();
    this.#joinRound(host);
    return item;
  }

  release(hostKey: string): void {
    const host = this.#hosts.get(hostKey);
    if (host === undefined) return;
    this.#count(host, -1);
    this.#joinRound(host);
    if (host.inFlight > 0 || host.waiting.size > 0) return;
    this.#hosts.delete(hostKey);
    this.#cramped.delete(host);
  }

  #joinRound(host: Host<Item>): void {
    if (host.inRound || host.waiting.size === 0) return;
    if (host.inFlight < host.slots) {
      host.inRound = true;
      (host.apart ? this.#roundApart : this.#round).enqueue(host);
    } else if (host.slots < this.#mostPerHost) this.#cramped.add(host);
  }

  #count(host: Host<Item>, step: 1 | -1): void {
    host.inFlight += step;
    if (host.apart) this.#inFlightApart += step;
    else this.#inFlight += step;
  }
}
