import { reasonOf, type Clock } from '@websub/shared';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { Restrictions, Rights } from '../access/grant.js';
import { organisationOf } from '../access/organisation.js';
import { common, NO_TOPIC, union, type TopicScope } from '../access/topic-scope.js';
import { NEVER } from '../subscription/subscription.js';
import type { KeySet } from './key-set.js';
import { hubClaim, NO_CLAIMS, type TokenKey, type TopicClaims } from './token-keys.js';

export interface TokensOptions {
  readonly keys: KeySet;
  readonly audience: string;
  readonly issuer: string | undefined;
  /** The topics of an organisation's events. */
  readonly eventsOf: (organisation: string) => TopicScope;
  /** Throws with the cure when a condition (`hub.where`) is none. */
  readonly checkCondition: (where: string) => void;
  readonly clock: Clock;
}

export type TokenOutcome =
  | { readonly kind: 'verified'; readonly rights: Rights }
  | { readonly kind: 'refused'; readonly reason: string; readonly hasExpired: boolean }
  | { readonly kind: 'unavailable'; readonly reason: string };

const TOLERANCE_SECONDS = 60;

/**
 * JSON Web Tokens (RFC 7519). Of a token's head only `alg` and `kid` count, and `kid` is only compared: keys, and where to
 * find them, are never taken from a token (`jwk`, `jku`, `x5u`).
 */
export class Tokens {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** Settles with what the token gives; never rejects. */
  async verify(token: string): Promise<TokenOutcome> {
    const head = headOf(token);
    if (head === undefined) return refused('the token cannot be read');
    const keys = await this.#options.keys.find(head.kid, head.alg);
    if (keys === undefined)
      return { kind: 'unavailable', reason: 'the keys of tokens cannot be read at the moment' };
    let outcome = refused('the token is signed with no key and algorithm that this hub knows');
    for (const key of keys) {
      outcome = await this.#verifyWith(key, token);
      // Of keys without a name, the next one may be the one.
      if (outcome.kind === 'verified' || head.kid !== undefined) return outcome;
    }
    return outcome;
  }

  async #verifyWith(key: TokenKey, token: string): Promise<TokenOutcome> {
    const { audience, issuer, clock } = this.#options;
    try {
      const { payload } = await jwtVerify(token, key.key, {
        algorithms: [...key.algorithms],
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        requiredClaims: ['exp', 'aud'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
      });
      const isOfLater = (payload.iat ?? 0) > clock.now() / 1000 + TOLERANCE_SECONDS;
      // A revocation of all that were issued until then would leave it in force.
      if (isOfLater) return refused("the token's claim iat lies in the future: set the clock of its issuer");
      return rightsOf(payload, key.bounds, this.#options);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refused('the token has expired: get a new one', true);
      if (error instanceof errors.JWTClaimValidationFailed)
        return refused(`the token's claim "${error.claim}" is missing or wrong`);
      return refused('the signature of the token is wrong');
    }
  }
}

function headOf(token: string): { readonly alg: string; readonly kid: string | undefined } | undefined {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return alg === undefined || (kid !== undefined && typeof kid !== 'string') ? undefined : { alg, kid };
  } catch {
    return undefined;
  }
}

function rightsOf(
  payload: JWTPayload,
  bounds: TopicClaims,
  { eventsOf, checkCondition, clock }: TokensOptions,
): TokenOutcome {
  const claims = readClaims(payload);
  if (typeof claims === 'string') return refused(`the token's claim ${claims}`);
  const { jti, sub, iat, exp, hub } = claims;
  if (bounds.tenant !== null && hub.tenant !== null && bounds.tenant !== hub.tenant)
    return refused('the token is for a tenant whose tokens are signed with another key');
  const claimed = hub.organisation ?? organisationOf(sub ?? '') ?? null;
  if (bounds.organisation !== null && claimed !== null && bounds.organisation !== claimed)
    return refused('the token is for an organisation whose tokens are signed with another key');
  const organisation = claimed ?? bounds.organisation ?? undefined;
  // The tolerance is for showing a token, since clocks differ; what was begun before its end does not outlive that.
  const endsAt = Math.min((exp * 1000 > clock.now() ? exp : exp + TOLERANCE_SECONDS) * 1000, NEVER);
  const restrictions = bothOf(hub.restrictions, bounds.restrictions);
  try {
    for (const where of restrictions.where) checkCondition(where);
  } catch (error) {
    return refused(`the token's claim hub.where cannot be read: ${reasonOf(error)}`);
  }
  return {
    kind: 'verified',
    rights: {
      principal: {
        kind: 'token',
        id: jti ?? null,
        subject: sub ?? null,
        issuedAt: iat === undefined ? null : iat * 1000,
        endsAt,
        tenant: hub.tenant ?? bounds.tenant,
      },
      organisation,
      publish: within(hub.publish, bounds.publish),
      // Whoever is let in for an organisation reads its events, within what the key allows.
      read: within(
        organisation === undefined ? hub.read : union(hub.read ?? NO_TOPIC, eventsOf(organisation)),
        bounds.read,
      ),
      manages: false,
      restrictions,
      endsAt,
    },
  };
}

const tokenClaims = z.object({
  jti: z.string('jti is not text').optional(),
  sub: z.string('sub is not text').optional(),
  iat: z.number('iat is not a number').optional(),
  exp: z.number('exp is not a number'),
  hub: hubClaim.default(NO_CLAIMS),
});

/** The claims, or which is wrong and why. */
function readClaims(payload: JWTPayload): z.output<typeof tokenClaims> | string {
  try {
    const claims = tokenClaims.safeParse(payload);
    return claims.success ? claims.data : (claims.error.issues[0]?.message ?? 'hub is wrong');
  } catch (error) {
    // Of a wrong topic pattern.
    return reasonOf(error);
  }
}

/** What either of them says holds. */
function bothOf(one: Restrictions, other: Restrictions): Restrictions {
  const streams = Math.min(one.streams ?? Infinity, other.streams ?? Infinity);
  return { where: [...one.where, ...other.where], streams: streams === Infinity ? null : streams };
}

/** What the token says and its key allows; what only one of them says counts. */
function within(claimed: TopicScope | null, bound: TopicScope | null): TopicScope {
  if (claimed === null || bound === null) return claimed ?? bound ?? NO_TOPIC;
  return common(claimed, bound);
}

function refused(reason: string, hasExpired = false): TokenOutcome {
  return { kind: 'refused', reason, hasExpired };
}
