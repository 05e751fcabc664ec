import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, OptionError, type HubOptions } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, ADMIN_KEY, askTicket, bearer, GUARDED, postJson } from '../support/access.js';
import { embedHub } from '../support/hub-in-process.js';
import { runHub, type HubProcess } from '../support/hub-process.js';
import { listen, type Listener } from '../support/listener.js';
import { listAll, postForm, publish, published } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const AUDIENCE = 'https://hub.example/';
const ISSUER = 'https://issuer.example/';
const SECRET = Buffer.alloc(32, 5);
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] as const;

const world = useSurroundings();
interface Key {
  readonly signs: CryptoKey | Uint8Array;
  readonly jwk: Readonly<Record<string, unknown>> & { readonly alg: string };
}
const keys = new Map<string, Key>();
let folder: string;
let file: string;
let hub: HubProcess;
/** Where bad tokens say that keys are. */
let lure: Listener;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'websub-keys-'));
  for (const alg of ALGORITHMS) {
    if (alg === 'HS256') {
      keys.set(alg, { signs: SECRET, jwk: { kty: 'oct', k: SECRET.toString('base64url'), alg, kid: alg } });
      continue;
    }
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.set(alg, { signs: privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid: alg } });
  }
  const acme = await generateKeyPair('ES256', { extractable: true });
  const bounds = { tenant: 'acme', pub: ['https://acme.example/*'] };
  keys.set('acme', {
    signs: acme.privateKey,
    jwk: { ...(await exportJWK(acme.publicKey)), alg: 'ES256', kid: 'acme', hub: bounds },
  });
  file = join(folder, 'keys.json');
  // Some editors begin a file with a byte order mark.
  await writeFile(file, `\uFEFF${JSON.stringify({ keys: [...keys.values()].map(({ jwk }) => jwk) })}`);
  lure = await listen(() => ({ status: 200, body: JSON.stringify({ keys: [keys.get('ES256')!.jwk] }) }));
  hub = await world.startHub({
    dev: false,
    flags: [
      ...GUARDED,
      '--publish',
      'closed',
      '--read',
      'closed',
      '--log-level',
      'trace',
      '--jwt-keys',
      file,
      '--jwt-audience',
      AUDIENCE,
      '--jwt-issuer',
      ISSUER,
    ],
  });
});
afterAll(async () => {
  await lure.close();
  await rm(folder, { recursive: true, force: true });
});

const now = (): number => Math.floor(Date.now() / 1000);

const GOOD = { iss: ISSUER, aud: AUDIENCE, sub: 'shop', hub: { pub: ['https://shop.example/*'] } };

interface Made {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly alg?: string;
  readonly key?: CryptoKey | Uint8Array;
}

/** A good token, but for what is said. */
function token(kid = 'ES256', { claims = {}, header = {}, alg, key }: Made = {}): Promise<string> {
  const { signs, jwk } = keys.get(kid)!;
  const payload = { ...GOOD, iat: now(), exp: now() + 600, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(payload)) as JWTPayload)
    .setProtectedHeader({ alg: alg ?? jwk.alg, kid, ...header })
    .sign(key ?? signs);
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token', () => {
  it.each(ALGORITHMS)(
    'signed with %s lets its bearer publish to its topics, and to no others',
    async (alg) => {
      const headers = bearer(await token(alg));
      expect((await publish(hub, 'https://shop.example/orders', 'content', { headers })).status).toBe(202);
      const elsewhere = await publish(hub, 'https://news.example/', 'content', { headers });
      expect(elsewhere.status).toBe(403);
      expect(
        (await postForm(hub, { 'hub.mode': 'register', 'hub.topic': 'https://a.example/' }, headers)).status,
      ).toBe(403);
    },
  );

  it('without a key id is tried with the keys of its algorithm', async () => {
    expect((await askTicket(hub, await token('ES256', { header: { kid: undefined } }))).status).toBe(201);
    expect((await askTicket(hub, await token('acme', { header: { kid: undefined } }))).status).toBe(201);
  });

  it('is good for 60 seconds more, and 60 seconds before it begins, since clocks differ', async () => {
    expect((await askTicket(hub, await token('ES256', { claims: { exp: now() - 30 } }))).status).toBe(201);
    expect((await askTicket(hub, await token('ES256', { claims: { nbf: now() + 30 } }))).status).toBe(201);
  });

  it('of the future is taken for 60 seconds only, since a revocation would not reach it', async () => {
    expect((await askTicket(hub, await token('ES256', { claims: { iat: now() + 30 } }))).status).toBe(201);
    const later = await askTicket(hub, await token('ES256', { claims: { iat: now() + 120 } }));
    expect(later.status).toBe(401);
    expect(later.body.toString()).toMatch(/iat lies in the future/);
  });

  it('may be one of several audiences', async () => {
    const made = await token('ES256', { claims: { aud: ['https://other.example/', AUDIENCE] } });
    expect((await askTicket(hub, made)).status).toBe(201);
  });

  it('manages nothing', async () => {
    const answer = await postJson(hub, '/v1/credentials', { role: 'admin' }, bearer(await token()));
    expect(answer.status).toBe(403);
  });
});

const claims = (more: Readonly<Record<string, unknown>>) => () => token('ES256', { claims: more });
const unsigned = (header: object) => async () => `${part(header)}.${(await token()).split('.')[1]}.`;
/** Signed with HMAC, by somebody who knows the public key only. */
const confused = (form: 'pem' | 'jwk') => async (): Promise<string> => {
  const { jwk } = keys.get('RS256')!;
  const key =
    form === 'jwk'
      ? JSON.stringify(jwk)
      : await exportSPKI((await (await import('jose')).importJWK(jwk, 'RS256')) as CryptoKey);
  const signed = `${part({ alg: 'HS256', kid: 'RS256' })}.${(await token()).split('.')[1]}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
};
const foreign = async (): Promise<CryptoKey> => (await generateKeyPair('ES256')).privateKey;
const lured = (name: string) => async (): Promise<string> => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const value = name === 'jwk' ? await exportJWK(pair.publicKey) : `${lure.origin}/keys`;
  return token('ES256', { header: { [name]: value, kid: 'of-mine' }, key: pair.privateKey });
};

describe('row 25: a bad token is answered 401, and no connection is made for it', () => {
  it.each<readonly [what: string, make: () => Promise<string>]>([
    ['algorithm none', unsigned({ alg: 'none', kid: 'ES256' })],
    ['algorithm None', unsigned({ alg: 'None' })],
    ['no algorithm', unsigned({ kid: 'ES256' })],
    ['no signature', async () => (await token()).replace(/[^.]+$/, '')],
    ['the public key as a secret, PEM', confused('pem')],
    ['the public key as a secret, JWK', confused('jwk')],
    ['the algorithm of another key', () => token('EdDSA', { header: { kid: 'ES256' } })],
    ['another hash', () => token('HS256', { alg: 'HS512' })],
    ['a foreign key', async () => token('ES256', { key: await foreign() })],
    [
      'claims that were changed',
      async () => (await token()).replace(/\.[^.]+\./, `.${part({ ...GOOD, exp: now() + 99 })}.`),
    ],
    ['a time that is over', claims({ exp: now() - 90 })],
    ['no end', claims({ exp: undefined })],
    ['an end that is text', claims({ exp: 'tomorrow' })],
    ['a beginning that is to come', claims({ nbf: now() + 90 })],
    ['another audience', claims({ aud: 'https://other.example/' })],
    ['no audience', claims({ aud: undefined })],
    ['another issuer', claims({ iss: 'https://other.example/' })],
    ['no issuer', claims({ iss: undefined })],
    ['a key id that is a path', () => token('ES256', { header: { kid: '../../../../etc/passwd' } })],
    ['a key id that is a name of objects', () => token('ES256', { header: { kid: '__proto__' } })],
    ['a key id with SQL', () => token('ES256', { header: { kid: `' OR 1=1 --` } })],
    ['a key id that is a number', () => token('ES256', { header: { kid: 7 } })],
    ['keys at a URL of its own', lured('jku')],
    ['certificates at a URL of its own', lured('x5u')],
    ['a key of its own', lured('jwk')],
    ['an extension that must be understood', unsigned({ alg: 'ES256', kid: 'ES256', crit: ['x'], x: 1 })],
    ['a subject that is a number', claims({ sub: 7 })],
    ['topics that are no list', claims({ hub: { pub: 'https://shop.example/*' } })],
    ['a topic pattern without a host', claims({ hub: { pub: ['https://*'] } })],
    ['a tenant that is no name', claims({ hub: { tenant: '../acme' } })],
    [
      'a tenant whose tokens are signed with another key',
      () => token('acme', { claims: { hub: { tenant: 'other' } } }),
    ],
    ['a head that is a list', () => Promise.resolve(`eyJ.${part({})}.AAAA`)],
    ['no JSON', () => Promise.resolve('eyJhbGciOiJFUzI1NiJ9.e30.AAAA')],
    ['much of everything', () => Promise.resolve(`${part({ alg: 'ES256' })}.${'A'.repeat(12_000)}.AAAA`)],
  ])('%s', async (_what, make) => {
    const before = lure.connections();
    const answer = await askTicket(hub, await make());
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    expect(lure.connections()).toBe(before);
  });
});

describe('the key of a tenant', () => {
  it('gives its own topics at most, whatever the token says', async () => {
    const status = async (claim: unknown, topic: string): Promise<number> => {
      const headers = bearer(await token('acme', { claims: { hub: claim } }));
      return (await publish(hub, topic, 'content', { headers })).status;
    };
    const everything = { tenant: 'acme', pub: ['*'], sub: [] };
    expect(await status(everything, 'https://acme.example/1')).toBe(202);
    expect(await status(everything, 'https://shop.example/1')).toBe(403);
    // A token that says nothing has what the key has.
    expect(await status(undefined, 'https://acme.example/2')).toBe(202);
    expect(await status({ pub: ['https://acme.example/3'] }, 'https://acme.example/4')).toBe(403);
  });
});

describe('revoking tokens', () => {
  const ways = [
    ['its id', 'jti', { jti: 'token-1' }, 'token-1', { jti: 'token-2' }],
    ['its subject', 'sub', { sub: 'mallory' }, 'mallory', { sub: 'shop' }],
    ['its tenant', 'tenant', { hub: { tenant: 'evil' } }, 'evil', { hub: { tenant: 'good' } }],
  ] as const;

  it.each(ways)('by %s ends these and no others', async (_what, name, of, value, others) => {
    const [bad, good] = [await token('ES256', { claims: of }), await token('ES256', { claims: others })];
    expect((await askTicket(hub, bad)).status).toBe(201);
    expect((await postJson(hub, '/v1/revocations', { [name]: value })).status).toBe(204);
    expect((await askTicket(hub, bad)).status).toBe(401);
    expect((await askTicket(hub, good)).status).toBe(201);
  });

  it('is for good: after a restart these are ended still, and no others', async () => {
    const bad = await Promise.all(ways.map(([, , of]) => token('ES256', { claims: of })));
    const good = await Promise.all(ways.map(([, , , , others]) => token('ES256', { claims: others })));
    for (const [, name, , value] of ways)
      expect((await postJson(hub, '/v1/revocations', { [name]: value })).status).toBe(204);
    await hub.kill();
    await hub.restart();
    for (const made of bad) expect((await askTicket(hub, made)).status).toBe(401);
    for (const made of good) expect((await askTicket(hub, made)).status).toBe(201);
  });

  it('of a tenant ends its API keys too', async () => {
    const made = await postJson(hub, '/v1/credentials', { role: 'reader', tenant: 'gone', read: ['*'] });
    const { key } = JSON.parse(made.text) as { key: string };
    expect((await askTicket(hub, key)).status).toBe(201);
    expect((await postJson(hub, '/v1/revocations', { tenant: 'gone' })).status).toBe(204);
    expect((await askTicket(hub, key)).status).toBe(401);
  });

  it('LAW 13: ends what was subscribed to with them', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    const made = await token('ES256', { claims: { jti: 'of-a-subscription', hub: { sub: [topic] } } });
    const fields = { 'hub.mode': 'subscribe', 'hub.callback': callback.url, 'hub.topic': topic };
    expect((await postForm(hub, fields, bearer(made))).status).toBe(202);
    await until('it is active', async () => (await rowsOf(callback.url))[0]?.['state'] === 'active');
    expect((await postJson(hub, '/v1/revocations', { jti: 'of-a-subscription' })).status).toBe(204);
    await published(hub, topic, 'after', { headers: ADMIN });
    await until('it is told', () => callback.intents.some(({ mode }) => mode === 'denied'));
    await until('it has ended', async () => (await rowsOf(callback.url)).length === 0);
    expect(callback.deliveries).toEqual([]);
  });

  it.each([{}, { jti: '' }, { jti: 'a', sub: 'b' }, { sub: 7 }, { tenant: 'a b' }, { exp: 5 }, [], null])(
    'of %j is 400',
    async (what) => {
      expect((await postJson(hub, '/v1/revocations', what)).status).toBe(400);
    },
  );
});

describe('what is begun with a token', () => {
  it('ends with it: a subscription is leased no longer', async () => {
    const clock = new TestClock(Date.now());
    const inside = await createHub(insideOptions(clock, { jwtKeys: file }));
    try {
      const topic = world.topic().url;
      const callback = world.callback();
      const exp = Math.floor(clock.now() / 1000) + 600;
      const headers = bearer(await token('ES256', { claims: { exp, hub: { sub: [topic] } } }));
      const fields = { 'hub.mode': 'subscribe', 'hub.callback': callback.url, 'hub.topic': topic };
      expect((await postForm(inside, fields, headers)).status).toBe(202);
      const [intent] = await arrived('verifications', callback.intents, 1);
      const lease = Number(intent?.query.get('hub.lease_seconds'));
      expect(lease).toBeGreaterThan(590);
      expect(lease).toBeLessThanOrEqual(600);
      await until(
        'it is active',
        async () => (await rowsOf(callback.url, inside))[0]?.['state'] === 'active',
      );
      await clock.advance(601_000);
      await until('it has ended', async () => (await rowsOf(callback.url, inside)).length === 0);
    } finally {
      await inside.stop();
    }
  });
});

describe('keys at a URL', () => {
  it('are read there, again when a token names a new one, and tokens are put off while they never were', async () => {
    const clock = new TestClock(Date.now());
    const served = { status: 503, kids: ['ES256'], requests: 0 };
    const issuer = await listen(() => {
      served.requests++;
      return {
        status: served.status,
        body: JSON.stringify({ keys: served.kids.map((kid) => keys.get(kid)!.jwk) }),
      };
    });
    const inside = await createHub(insideOptions(clock, { jwtKeys: `${issuer.origin}/keys` }));
    try {
      const putOff = await askTicket(inside, await token('ES256'));
      expect([putOff.status, putOff.headers['retry-after']]).toEqual([503, '10']);
      served.status = 200;
      await clock.advance(10_000);
      expect((await askTicket(inside, await token('ES256'))).status).toBe(201);
      expect((await askTicket(inside, await token('RS256'))).status).toBe(401);
      served.kids = ['ES256', 'RS256', 'HS256'];
      await clock.advance(10_000);
      expect((await askTicket(inside, await token('RS256'))).status).toBe(201);
      // A secret that everybody can read is none.
      expect((await askTicket(inside, await token('HS256'))).status).toBe(401);
      const { requests } = served;
      for (let n = 0; n < 20; n++)
        await askTicket(inside, await token('ES256', { header: { kid: `made-up-${n}` } }));
      expect(served.requests).toBe(requests);
      served.status = 500;
      await clock.advance(600_000);
      const late = { exp: Math.floor(clock.now() / 1000) + 60 };
      expect((await askTicket(inside, await token('ES256', { claims: late }))).status).toBe(201);
    } finally {
      await inside.stop();
      await issuer.close();
    }
  });
});

describe('a hub is not started', () => {
  it.each([
    ['without the audience of its tokens', ['--jwt-keys', 'keys.json'], /^jwtAudience /],
    ['with an audience of no keys', ['--jwt-audience', 'a'], /^jwtKeys /],
    [
      'with keys over plain http',
      ['--jwt-keys', 'http://issuer.example/', '--jwt-audience', 'a'],
      /^jwtKeys .*https/,
    ],
    ['with keys that are none', ['--jwt-keys', import.meta.filename, '--jwt-audience', 'a'], /^jwtKeys /],
    ['with a reading policy that is none', ['--read', 'sometimes'], /^read /],
  ])('%s', async (_what, flags, told) => {
    const refusal: unknown = await embedHub({ dev: false, flags }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OptionError);
    expect((refusal as OptionError).message).toMatch(told);
  });

  it('with keys that are not there, and says so in one line that names the flag', async () => {
    const args = ['--jwt-keys', '/nonexistent/keys.json', '--jwt-audience', 'a'];
    const { status, stderr } = await runHub(['start', '--data', ':memory:', '--port', '0', ...args]);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/--jwt-keys/);
  });
});

// The last: it ends the hub, so that everything is written.
it('LAW 10: no token is logged', async () => {
  const made = await token();
  await publish(hub, 'https://shop.example/', 'content', { headers: bearer(made) });
  await askTicket(hub, `${made}x`);
  await hub.terminate();
  expect(hub.output).toContain('entry-appended');
  expect(hub.output).not.toContain(made.slice(0, 40));
});

function insideOptions(clock: TestClock, more: HubOptions): HubOptions {
  return {
    port: 0,
    data: ':memory:',
    read: 'closed',
    adminKey: ADMIN_KEY,
    allowNetwork: ['127.0.0.0/8'],
    jwtAudience: AUDIENCE,
    ports: { clock },
    ...more,
  };
}

function rowsOf(callback: string, of: { readonly url: string } = hub) {
  return listAll(of, '/v1/subscriptions', { callback }, ADMIN);
}
