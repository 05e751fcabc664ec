import assert from 'node:assert/strict';
import type { Credential } from '../access/credential.js';
import type { Credentials } from '../access/credentials.js';
import type { Revocation } from '../access/revocation.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import { gather, NOON } from './samples.js';

/** What every store of credentials promises. */
export const credentialsContract: readonly ContractCase<Credentials>[] = [
  promise('a store without credentials loads none', async (credentials) => {
    assert.deepEqual(await gather(credentials.loadCredentials()), []);
    assert.deepEqual(await gather(credentials.loadRevocations()), []);
  }),
  promise('credentials are loaded as they were added', async (credentials) => {
    const added = [
      credentialOf('a'),
      credentialOf('b', {
        role: 'reader',
        tenant: 'acme',
        name: 'ü "\\ 🦊',
        publish: [],
        read: ['*', 'https://publisher.example/*?q=1'],
        expiresAt: NOON + 0.5,
      }),
    ];
    for (const credential of added.toReversed())
      assert.equal(await credentials.addCredential(credential), true);
    assert.deepEqual(await load(credentials), added);
  }),
  promise('a taken id is not given twice', async (credentials) => {
    assert.equal(await credentials.addCredential(credentialOf('a')), true);
    assert.equal(await credentials.addCredential(credentialOf('a', { digest: 'other' })), false);
    assert.deepEqual(await load(credentials), [credentialOf('a')]);
  }),
  promise('a removed credential is gone, and can be removed once', async (credentials) => {
    await credentials.addCredential(credentialOf('a'));
    await credentials.addCredential(credentialOf('b'));
    assert.equal(await credentials.removeCredential('a'), true);
    assert.equal(await credentials.removeCredential('a'), false);
    assert.deepEqual(await load(credentials), [credentialOf('b')]);
  }),
  promise('more credentials are loaded than fit into one batch', async (credentials) => {
    const ids = Array.from({ length: 4_500 }, (_, index) => `key-${String(index).padStart(5, '0')}`);
    await Promise.all(ids.map((id) => credentials.addCredential(credentialOf(id))));
    assert.deepEqual(
      (await load(credentials)).map(({ id }) => id),
      ids,
    );
  }),
  promise('of the revocations of one thing the latest counts', async (credentials) => {
    const alice: Revocation = { kind: 'subject', value: 'alice', at: NOON };
    const token: Revocation = { kind: 'token', value: 'alice', at: NOON - 5 };
    await credentials.addRevocation(alice);
    await credentials.addRevocation(token);
    await credentials.addRevocation({ ...alice, at: NOON + 1 });
    await credentials.addRevocation({ ...alice, at: NOON - 1 });
    const loaded = await gather(credentials.loadRevocations());
    assert.deepEqual(
      loaded.toSorted((one, other) => one.at - other.at),
      [token, { ...alice, at: NOON + 1 }],
    );
  }),
  promiseForEver('credentials and revocations are there after a restart', async (open) => {
    const revocation: Revocation = { kind: 'tenant', value: 'acme', at: NOON };
    const before = await open();
    await before.addCredential(credentialOf('a'));
    await before.addCredential(credentialOf('b'));
    await before.removeCredential('a');
    await before.addRevocation(revocation);
    const after = await open();
    assert.deepEqual(await load(after), [credentialOf('b')]);
    assert.deepEqual(await gather(after.loadRevocations()), [revocation]);
  }),
];

function credentialOf(id: string, fields: Partial<Credential> = {}): Credential {
  return {
    id,
    role: 'publisher',
    tenant: null,
    name: null,
    publish: ['https://publisher.example/*'],
    read: [],
    digest: `digest-of-${id}`,
    createdAt: NOON,
    expiresAt: null,
    ...fields,
  };
}

async function load(credentials: Credentials): Promise<Credential[]> {
  const all = await gather(credentials.loadCredentials());
  return all.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
