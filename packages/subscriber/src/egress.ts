import {
  NetworkPolicy,
  UndiciHttpClient,
  WebSubError,
  type HttpClient,
  type HttpFailure,
  type NetworkPolicyOptions,
  type UndiciHttpClientOptions,
} from '@websub/shared';
import type { HttpConfig } from './service/options.js';

/** How far requests may go: to public addresses, to this machine too, to internal networks too. */
export type Reach = 'public' | 'loopback' | 'private';

// Link-local addresses are left out: clouds keep the machine's credentials at 169.254.169.254.
const POLICIES: Readonly<Record<Reach, NetworkPolicyOptions>> = {
  public: {},
  loopback: { allowLoopback: true },
  private: { allowLoopback: true, allow: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'] },
};

/**
 * How far requests for a target may go. A loopback host in `written`, the URL in the developer's own configuration, shows
 * that the target is on this machine; what its pages name may be there as well. A public page has no such say, or it
 * could make us post to services of our own machine (LAW 9).
 */
export function reachFor(written: string, { allowPrivateNetworks }: HttpConfig): Reach {
  if (allowPrivateNetworks !== undefined) return allowPrivateNetworks ? 'private' : 'public';
  return isLoopbackHost(new URL(written).hostname) ? 'loopback' : 'public';
}

function isLoopbackHost(hostname: string): boolean {
  return /^(localhost|(.+\.)?localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** The clients that requests leave by, one for each reach and dispatcher. */
export class Egress {
  readonly #given: HttpClient | undefined;
  readonly #clients = new Map<Reach, UndiciHttpClient>();
  readonly #behindDispatchers = new Map<unknown, UndiciHttpClient>();
  #closed = false;

  /** `client`, if given, takes every request; it is then the one that guards the network, and stays open. */
  constructor(client?: HttpClient) {
    this.#given = client;
  }

  client(reach: Reach, { dispatcher }: HttpConfig): HttpClient {
    if (this.#closed) return CLOSED;
    if (this.#given !== undefined) return this.#given;
    const policy = new NetworkPolicy(POLICIES[reach]);
    return dispatcher === undefined
      ? remembered(this.#clients, reach, () => new UndiciHttpClient({ policy }))
      : remembered(this.#behindDispatchers, dispatcher, () => {
          // Checked when the service was attached: problemsOfOptions.
          const own = dispatcher as NonNullable<UndiciHttpClientOptions['dispatcher']>;
          return new UndiciHttpClient({ policy, dispatcher: own });
        });
  }

  /** Lets requests leave again after a {@link close}. */
  open(): void {
    this.#closed = false;
  }

  /** Ends the requests under way; those that come after it fail as aborted. */
  async close(): Promise<void> {
    this.#closed = true;
    const clients = [...this.#clients.values(), ...this.#behindDispatchers.values()];
    this.#clients.clear();
    this.#behindDispatchers.clear();
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** Makes no connection that nobody would close. */
const CLOSED: HttpClient = {
  send: () =>
    Promise.resolve({
      kind: 'failure',
      reason: 'aborted',
      detail: 'the listener was stopped: start it first',
    }),
  close: () => Promise.resolve(),
};

function remembered<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** What a failed request means to the caller, with the cure. */
export function errorOfFailure({ reason, detail }: HttpFailure, what: string): WebSubError {
  switch (reason) {
    case 'forbidden-address':
      return new WebSubError(
        'forbidden_address',
        `${what}: ${detail}. If it is yours, set httpConfig.allowPrivateNetworks: true`,
      );
    case 'timeout':
      return new WebSubError('timeout', `${what}: ${detail}. Raise httpConfig.timeoutMs if it needs longer`);
    case 'too-large':
    case 'bad-response':
      return new WebSubError('discovery_failed', `${what}: ${detail}. Check that the URL is the right one`);
    case 'aborted':
      return new WebSubError('stopped', `${what}: ${detail}`);
    case 'dns':
    case 'refused':
    case 'tls':
    case 'unreachable':
      return new WebSubError('unreachable', `${what} cannot be reached: ${detail}. Check that it is running`);
  }
}
