import { reasonOf } from '@websub/shared';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';
import { ORGANISATION } from '../access/organisation.js';
import type { Restrictions } from '../access/grant.js';
import { topicScope, type TopicScope } from '../access/topic-scope.js';
import { tenantName } from './tenant-name.js';

/** Topics, tenant and organisation, as a claim of a token and as a bound of a key. Absent: says nothing. */
export interface TopicClaims {
  readonly tenant: string | null;
  /** Whose events a token is for. */
  readonly organisation: string | null;
  readonly restrictions: Restrictions;
  readonly publish: TopicScope | null;
  readonly read: TopicScope | null;
}

/** A key that tokens may be signed with. */
export interface TokenKey {
  /** `kid`. */
  readonly id: string | null;
  /** What it may be used for, whatever a token says. */
  readonly algorithms: readonly string[];
  readonly key: CryptoKey | Uint8Array;
  /** What its tokens may give at most, and give when they say nothing. */
  readonly bounds: TopicClaims;
}

export interface TokenKeysRead {
  readonly keys: readonly TokenKey[];
  /** Why other members of the set are not used. */
  readonly complaints: readonly string[];
}

const MOST_KEYS = 100;
const MOST_CONDITIONS = 32;
/** Of HMAC a key shorter than the hash is guessable (RFC 7518, section 3.2). */
const SHORTEST_SECRET_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/** Algorithms by type of key; the first are those of a key that names none. */
const ALGORITHMS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  oct: [['HS256'], ['HS384'], ['HS512']],
  RSA: [['RS256'], ['RS384'], ['RS512'], ['PS256'], ['PS384'], ['PS512']],
  'P-256': [['ES256']],
  'P-384': [['ES384']],
  'P-521': [['ES512']],
  // RFC 9864 gave EdDSA over Ed25519 a name of its own; both are in use.
  Ed25519: [['EdDSA', 'Ed25519']],
};

const organisationName = z
  .string('org is not text')
  .regex(ORGANISATION, 'org is not 1 to 64 letters, digits, ".", "_" or "-"');
const patterns = z.array(
  z.string('a topic pattern is not text'),
  'pub or sub is not a list of topic patterns',
);

const conditions = z
  .array(z.string('where holds something that is not text'), 'where is not a list of conditions')
  .max(MOST_CONDITIONS, `where has more than ${MOST_CONDITIONS} conditions`);
const limits = z.object(
  { streams: z.int('limits.streams is not a whole number').min(0, 'limits.streams is negative').optional() },
  'limits is not an object',
);

/** The claim `hub` of a token, and the member `hub` of a key. */
export const hubClaim = z
  .object(
    {
      tenant: tenantName.optional(),
      org: organisationName.optional(),
      pub: patterns.optional(),
      sub: patterns.optional(),
      where: conditions.default([]),
      limits: limits.default({}),
    },
    'hub is not an object',
  )
  .transform(({ tenant, org, pub, sub, where, limits: { streams } }): TopicClaims => ({
    tenant: tenant ?? null,
    organisation: org ?? null,
    restrictions: { where, streams: streams ?? null },
    publish: pub === undefined ? null : topicScope(pub, 'pub'),
    read: sub === undefined ? null : topicScope(sub, 'sub'),
  }));

export const NO_CLAIMS: TopicClaims = {
  tenant: null,
  organisation: null,
  restrictions: { where: [], streams: null },
  publish: null,
  read: null,
};

const jsonWebKey = z.looseObject({
  kty: z.string(),
  kid: z.string().optional(),
  alg: z.string().optional(),
  use: z.string().optional(),
  crv: z.string().optional(),
  k: z.string().optional(),
  hub: hubClaim.default(NO_CLAIMS),
});

const keySet = z.object({ keys: z.array(z.unknown()).max(MOST_KEYS) });

/**
 * Reads a JSON Web Key Set (RFC 7517). `secrets` says whether keys for HMAC may be in it: they may not when others can
 * read it. Throws when the text is no such set; a key in it that cannot be used is a complaint.
 */
export async function readTokenKeys(
  text: string,
  { secrets }: { readonly secrets: boolean },
): Promise<TokenKeysRead> {
  const set = keySet.safeParse(JSON.parse(text));
  if (!set.success) throw new Error(`it is not {"keys": […]} with at most ${MOST_KEYS} keys`);
  const keys: TokenKey[] = [];
  const complaints: string[] = [];
  for (const [index, member] of set.data.keys.entries()) {
    try {
      const key = await readKey(member, secrets);
      if (key !== undefined) keys.push(key);
    } catch (error) {
      complaints.push(`key ${index + 1}: ${reasonOf(error)}`);
    }
  }
  return { keys, complaints };
}

/** `undefined` for a key of another use. */
async function readKey(member: unknown, secrets: boolean): Promise<TokenKey | undefined> {
  const parsed = jsonWebKey.safeParse(member);
  if (!parsed.success) throw new Error(parsed.error.issues[0]?.message ?? 'it is not a JSON Web Key');
  const { kty, kid, alg, use, crv, k, hub } = parsed.data;
  if (use !== undefined && use !== 'sig') return undefined;
  if ('d' in parsed.data) throw new Error('it is a private key: give the public one');
  if (kty === 'oct' && !secrets) throw new Error('it is a secret that others can read: use a public key');
  const known = ALGORITHMS[kty === 'EC' || kty === 'OKP' ? (crv ?? '') : kty] ?? [];
  const algorithms = alg === undefined ? known[0] : known.find((names) => names.includes(alg));
  const algorithm = algorithms?.[0];
  if (algorithms === undefined || algorithm === undefined)
    throw new Error(`kty, crv and alg do not go together: use RSA, EC, OKP or oct with an alg of theirs`);
  const shortest = SHORTEST_SECRET_BYTES[algorithm];
  if (shortest !== undefined && Buffer.from(k ?? '', 'base64url').byteLength < shortest)
    throw new Error(`k is shorter than ${shortest} bytes: make a longer secret`);
  // The members that matter were checked above, and jose checks the rest.
  const key = await importJWK(parsed.data as JWK, algorithm);
  return { id: kid ?? null, algorithms, key, bounds: hub };
}
