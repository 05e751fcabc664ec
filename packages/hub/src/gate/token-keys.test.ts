import fc from 'fast-check';
import { reasonOf } from '@websub/shared';
import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { readTokenKeys } from './token-keys.js';

const secret = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64url');

async function publicJwk(alg: string): Promise<Record<string, unknown>> {
  const { publicKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(publicKey)) };
}

async function complaintsOf(key: unknown, secrets = true): Promise<string> {
  const { keys, complaints } = await readTokenKeys(JSON.stringify({ keys: [key] }), { secrets });
  expect(keys).toEqual([]);
  return complaints.join();
}

describe('the keys of tokens', () => {
  it.each([
    ['RS256', undefined, ['RS256']],
    ['RS256', 'PS512', ['PS512']],
    ['ES256', undefined, ['ES256']],
    ['ES384', undefined, ['ES384']],
    ['ES512', undefined, ['ES512']],
    ['Ed25519', undefined, ['EdDSA', 'Ed25519']],
    ['Ed25519', 'EdDSA', ['EdDSA', 'Ed25519']],
  ])('made for %s and said to be for %s are used for %j', async (made, alg, algorithms) => {
    const key = { ...(await publicJwk(made)), ...(alg !== undefined && { alg }) };
    const read = await readTokenKeys(JSON.stringify({ keys: [key] }), { secrets: false });
    expect(read.complaints).toEqual([]);
    expect(read.keys.map((one) => one.algorithms)).toEqual([algorithms]);
  });

  it('may be secrets where nobody else reads them', async () => {
    const key = { kty: 'oct', alg: 'HS384', k: secret(48), kid: 'x' };
    const read = await readTokenKeys(JSON.stringify({ keys: [key] }), { secrets: true });
    expect(read.keys).toMatchObject([{ id: 'x', algorithms: ['HS384'] }]);
    expect(await complaintsOf(key, false)).toContain('others can read');
  });

  it.each([
    ['a short secret', { kty: 'oct', k: secret(31) }, 'shorter than 32 bytes'],
    ['a short secret for HS512', { kty: 'oct', alg: 'HS512', k: secret(63) }, 'shorter than 64 bytes'],
    ['a secret that is missing', { kty: 'oct' }, 'shorter than 32 bytes'],
    [
      'an algorithm of another kind of key',
      { kty: 'oct', alg: 'RS256', k: secret(32) },
      'do not go together',
    ],
    ['no algorithm at all', { kty: 'oct', alg: 'none', k: secret(32) }, 'do not go together'],
    ['an unknown kind', { kty: 'constructor' }, 'do not go together'],
    ['an unknown curve', { kty: 'EC', crv: 'toString', x: 'x', y: 'y' }, 'do not go together'],
    ['no key', 'key', 'key 1'],
    ['a wrong pattern', { kty: 'oct', k: secret(32), hub: { pub: ['https://a*'] } }, 'whole host'],
    ['a wrong tenant', { kty: 'oct', k: secret(32), hub: { tenant: 'a b' } }, 'tenant'],
  ])('cannot be %s', async (_what, key, complaint) => {
    expect(await complaintsOf(key)).toContain(complaint);
  });

  it('cannot be private: whoever reads the set could sign', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    expect(await complaintsOf(await exportJWK(privateKey))).toContain('private');
  });

  it('for encryption are passed over', async () => {
    const key = { ...(await publicJwk('RS256')), use: 'enc' };
    expect(await readTokenKeys(JSON.stringify({ keys: [key] }), { secrets: false })).toEqual({
      keys: [],
      complaints: [],
    });
  });

  it.each([
    '',
    '[]',
    '{}',
    '{"keys":{}}',
    'null',
    '{"keys":[',
    JSON.stringify({ keys: Array(101).fill({}) }),
  ])('are not read from %s', async (text) => {
    await expect(readTokenKeys(text, { secrets: true })).rejects.toThrow(/JSON|it is not/);
  });
});

it('any text is a set of keys, or complained about, and nothing else is thrown', async () => {
  const member = fc.constantFrom('kty', 'alg', 'k', 'n', 'e', 'crv', 'x', 'y', 'd', 'use', 'key_ops', 'kid');
  const value = fc.oneof(
    fc.constantFrom('RSA', 'EC', 'OKP', 'oct', 'RS256', 'P-256', 'Ed25519', 'AQAB'),
    fc.jsonValue(),
  );
  const set = fc
    .array(fc.dictionary(member, value), { maxLength: 3 })
    .map((keys) => JSON.stringify({ keys }));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json(), set), fc.boolean(), async (text, secrets) => {
      const outcome = await readTokenKeys(text, { secrets }).then(
        ({ keys, complaints }) => `${keys.length} keys, ${complaints.length} complaints`,
        reasonOf,
      );
      expect(outcome).toMatch(/^\d+ keys, \d+ complaints$|^it is not |JSON/);
    }),
  );
});
