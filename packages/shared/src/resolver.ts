import { lookup } from 'node:dns/promises';
import { systemClock } from './clock.js';
import { WebSubError } from './errors.js';

/** Names to addresses, as a port. */
export interface Resolver {
  /** All addresses of a host name; rejects with `unreachable` when there is none, `timeout` after 3 s. */
  resolve(hostname: string): Promise<readonly ResolvedAddress[]>;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

const LOOKUP_TIMEOUT_MS = 3_000;

/** The operating system's resolver, so that the hosts file and container name services are honoured. */
export const systemResolver: Resolver = {
  resolve(hostname) {
    return new Promise((resolve, reject) => {
      const cancel = systemClock.after(LOOKUP_TIMEOUT_MS, () =>
        reject(
          new WebSubError('timeout', `${hostname} was not resolved within ${LOOKUP_TIMEOUT_MS / 1000} s`),
        ),
      );
      lookup(hostname, { all: true }).then(
        (addresses) => {
          cancel();
          resolve(addresses);
        },
        (cause: unknown) => {
          cancel();
          reject(new WebSubError('unreachable', `${hostname} has no address`, { cause }));
        },
      );
    });
  },
};
