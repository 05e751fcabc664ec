import { lookup, Resolver as Nameservers } from 'node:dns/promises';
import { isIP } from 'node:net';
import pLimit from 'p-limit';
import { systemClock, type Clock } from './clock.js';
import { WebSubError } from './errors.js';
import { readHosts } from './hosts-file.js';

/** Names to addresses, as a port. */
export interface Resolver {
  /** All addresses of a host name; rejects with `unreachable` when there is none, `timeout` after 3 s. */
  resolve(hostname: string): Promise<readonly ResolvedAddress[]>;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export interface SystemResolverOptions {
  /** Name servers to ask, such as `10.0.0.2` or `10.0.0.2:5353`. Default: the system's. */
  readonly servers?: readonly string[];
  /** All addresses by the system's own ways. Default: `dns.lookup`, which is getaddrinfo in a thread. */
  readonly lookup?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
  readonly clock?: Clock;
}

const TIMEOUT_MS = 3_000;
/** How long the name servers are waited for before the system is asked, too. */
const SERVERS_ALONE_MS = 1_500;
/** The second try takes twice as long. */
const FIRST_TRY_MS = 500;
const TRIES = 2;
/** Of the 4 threads in which Node makes all system calls that may wait. */
const SYSTEM_LOOKUPS = 2;
/** So that another file of hosts, or other name servers, are noticed. */
const READ_AGAIN_MS = 30_000;

/**
 * Resolves names as the operating system would, but so that names which nobody answers for delay no others: the hosts
 * file, then the name servers without a thread per question, and only for what they do not know the system's own lookup
 * (search domains, multicast names), which keeps a thread for as long as it waits, and so runs twice at a time at most.
 */
export class SystemResolver implements Resolver {
  readonly #clock: Clock;
  readonly #servers: readonly string[] | undefined;
  readonly #lookup: (hostname: string) => Promise<readonly ResolvedAddress[]>;
  readonly #inThread = pLimit(SYSTEM_LOOKUPS);
  #sources: Sources | undefined;

  constructor(options: SystemResolverOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#servers = options.servers;
    this.#lookup = options.lookup ?? ((hostname) => lookup(hostname, { all: true }));
  }

  resolve(hostname: string): Promise<readonly ResolvedAddress[]> {
    const family = isIP(hostname);
    if (family !== 0) return Promise.resolve([{ address: hostname, family }]);
    return new Promise((resolve, reject) => {
      const late = new AbortController();
      const cancel = this.#clock.after(TIMEOUT_MS, () => {
        late.abort();
        reject(new WebSubError('timeout', `${hostname} was not resolved within ${TIMEOUT_MS / 1000} s`));
      });
      this.#ask(hostname, late.signal)
        .then(resolve, (cause: unknown) =>
          reject(new WebSubError('unreachable', `${hostname} has no address`, { cause })),
        )
        .finally(cancel);
    });
  }

  async #ask(hostname: string, late: AbortSignal): Promise<readonly ResolvedAddress[]> {
    const { hosts, nameservers } = this.#current();
    const listed = (await hosts).get(hostname.toLowerCase().replace(/\.$/, ''));
    if (listed !== undefined) return listed;
    const asked = askNameservers(nameservers, hostname);
    const first = await this.#noneAfter(SERVERS_ALONE_MS, asked);
    if (first.length > 0) return first;
    // Nobody waits any more for one whose time is over before its turn.
    const system = this.#inThread(() => (late.aborted ? [] : this.#lookup(hostname)));
    return Promise.race([system, asked.then((addresses) => (addresses.length > 0 ? addresses : system))]);
  }

  #noneAfter<Item>(delayMs: number, work: Promise<readonly Item[]>): Promise<readonly Item[]> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(delayMs, () => resolve([]));
      void work.then(resolve).finally(cancel);
    });
  }

  #current(): Sources {
    const now = this.#clock.monotonic();
    if (this.#sources === undefined || now - this.#sources.readAt >= READ_AGAIN_MS) {
      const nameservers = new Nameservers({ timeout: FIRST_TRY_MS, tries: TRIES });
      if (this.#servers !== undefined) nameservers.setServers([...this.#servers]);
      this.#sources = { readAt: now, hosts: readHosts(), nameservers };
    }
    return this.#sources;
  }
}

interface Sources {
  readonly readAt: number;
  readonly hosts: ReturnType<typeof readHosts>;
  readonly nameservers: Nameservers;
}

/** All addresses that the servers know; none when they know, or say, nothing. Never rejects. */
async function askNameservers(servers: Nameservers, hostname: string): Promise<readonly ResolvedAddress[]> {
  const none = (): string[] => [];
  // IPv4 first: whether this machine reaches anything by IPv6 is not known here.
  const [four, six] = await Promise.all([
    servers.resolve4(hostname).catch(none),
    servers.resolve6(hostname).catch(none),
  ]);
  return [
    ...four.map((address) => ({ address, family: 4 })),
    ...six.map((address) => ({ address, family: 6 })),
  ];
}

/** The resolver of this machine. */
export const systemResolver: Resolver = new SystemResolver();
