import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '@websub/shared';
import { jwtVerify } from 'jose';
import { digestOf } from '../access/credential.js';
import type { Grant } from '../access/grant.js';
import { NO_TOPIC, type TopicScope } from '../access/topic-scope.js';

/** The keys of an acapy-cloud deployment, as its clients show them in `x-api-key`. */
export interface WalletKeySet {
  /** What tenants' tokens are signed with (HS256). `undefined`: no tenant is let in. */
  readonly jwtSecret: string | undefined;
  /** Keys of tenant admins; each is for the wallets of its group, or for all wallets. */
  readonly adminKeys: readonly AdminKey[];
  readonly governanceKey: string | undefined;
}

interface AdminKey {
  /** `null` for every group. */
  readonly group: string | null;
  readonly key: string;
}

/** Why somebody is not let in, in the words of acapy-cloud. */
export interface WalletRefusal {
  readonly kind: 'refused';
  readonly status: 401 | 403;
  readonly detail: 'Not authenticated' | 'Unauthorized';
}

/** Somebody who was let in, and may read the events of this wallet. */
export interface WalletEntrance {
  readonly kind: 'admitted';
  readonly grant: Grant;
  /** The group of which the events have to be; `null` for any. */
  readonly group: string | null;
}

const ROLES = ['governance', 'tenant-admin', 'tenant'] as const;
const GOVERNANCE_WALLET = 'governance';
const TOLERANCE_SECONDS = 1;

/** Lets in who waits for the events of a wallet, with exactly the answers that acapy-cloud gives. */
export class WalletKeys {
  readonly #keys: WalletKeySet;
  readonly #clock: Clock;

  constructor(keys: WalletKeySet, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** `shown` is the header; `topic` is that of the wallet. Settles with who it is; never rejects. */
  async admit(
    shown: string | undefined,
    wallet: string,
    topic: string,
  ): Promise<WalletRefusal | WalletEntrance> {
    if (shown === undefined || shown === '') return refused(403, 'Not authenticated');
    const dot = shown.indexOf('.');
    const role = ROLES.find((known) => known === shown.slice(0, Math.max(dot, 0)));
    if (role === undefined) return refused(401, 'Unauthorized');
    const secret = shown.slice(dot + 1);
    const only: TopicScope = { includes: (each) => each === topic };
    switch (role) {
      case 'governance':
        return isSame(secret, this.#keys.governanceKey) && wallet === GOVERNANCE_WALLET
          ? { kind: 'admitted', grant: grantFor(only), group: null }
          : refused(403, 'Unauthorized');
      case 'tenant-admin': {
        const found = this.#keys.adminKeys.filter(({ key }) => isSame(secret, key))[0];
        return found === undefined
          ? refused(403, 'Unauthorized')
          : { kind: 'admitted', grant: grantFor(only), group: found.group };
      }
      case 'tenant': {
        const token = await this.#verify(secret);
        return token === undefined || token.wallet !== wallet
          ? refused(403, 'Unauthorized')
          : { kind: 'admitted', grant: { ...grantFor(only), ...token.grant }, group: null };
      }
    }
  }

  async #verify(
    token: string,
  ): Promise<{ readonly wallet: string; readonly grant: Pick<Grant, 'principal' | 'endsAt'> } | undefined> {
    const { jwtSecret } = this.#keys;
    if (jwtSecret === undefined) return undefined;
    const now = this.#clock.now();
    try {
      const { payload } = await jwtVerify(token, Buffer.from(jwtSecret), {
        algorithms: ['HS256'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(now),
      });
      const { wallet_id: wallet, jti, iat, exp } = payload;
      // From the future: that is nobody's clock but a forger's, or one that is to be set.
      if (iat !== undefined && iat > now / 1000 + TOLERANCE_SECONDS) return undefined;
      if (typeof wallet !== 'string' || wallet === '') return undefined;
      const endsAt = exp === undefined ? Infinity : (exp + TOLERANCE_SECONDS) * 1000;
      return {
        wallet,
        grant: {
          principal: {
            kind: 'token',
            id: jti ?? null,
            subject: wallet,
            issuedAt: iat === undefined ? null : iat * 1000,
            endsAt,
            tenant: null,
          },
          endsAt,
        },
      };
    } catch {
      return undefined;
    }
  }
}

function grantFor(read: TopicScope): Grant {
  return {
    manages: false,
    scopes: { ping: NO_TOPIC, publish: NO_TOPIC, register: NO_TOPIC, read },
    endsAt: Infinity,
  };
}

function refused(status: WalletRefusal['status'], detail: WalletRefusal['detail']): WalletRefusal {
  return { kind: 'refused', status, detail };
}

function isSame(shown: string, key: string | undefined): boolean {
  // Digests are of one length, which the comparison needs and which hides the key's.
  return key !== undefined && timingSafeEqual(Buffer.from(digestOf(shown)), Buffer.from(digestOf(key)));
}
