import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EventSource } from 'eventsource';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startClockedHub } from '../support/hub-in-process.js';
import { runHub } from '../support/hub-process.js';
import { send, type Answer } from '../support/http.js';
import { manage } from '../support/manage.js';
import { publish, published, type Publication } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const SECRET = 'the-secret-of-the-tokens-of-all-tenants';
const ADMIN_OF_ACME = 'admin-key-of-acme';
const ADMIN_OF_ALL = 'admin-key-of-everybody';
const GOVERNANCE = 'governance-key';
const KEYS = {
  waypointJwtSecret: SECRET,
  waypointAdminKeys: [`acme=${ADMIN_OF_ACME}`, ADMIN_OF_ALL],
  waypointGovernanceKey: GOVERNANCE,
};
const world = useWorld({
  env: {
    WEBSUB_WAYPOINT_JWT_SECRET: SECRET,
    WEBSUB_WAYPOINT_ADMIN_KEYS: KEYS.waypointAdminKeys.join(','),
    WEBSUB_WAYPOINT_GOVERNANCE_KEY: GOVERNANCE,
  },
});
// Unmodified clients come back after seconds, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

const clients: { close(): void }[] = [];
let wallets = 0;

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function newWallet(): string {
  wallets += 1;
  return `wallet-${wallets}`;
}

interface Token {
  readonly claims?: object;
  readonly secret?: string;
  readonly algorithm?: string;
}

/** As acapy-cloud makes them: without an audience, and mostly without an end. */
async function tenantKey({ claims = {}, secret = SECRET, algorithm = 'HS256' }: Token): Promise<string> {
  const token = await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: algorithm })
    .sign(Buffer.from(secret));
  return `tenant.${token}`;
}

const keyOf = (wallet: string): Promise<string> => tenantKey({ claims: { wallet_id: wallet } });

interface WalletEvent {
  readonly topic?: string;
  readonly group?: string | null;
  readonly payload: object;
}

/** Publishes a whole event, as acapy-cloud has them. */
function happened(
  wallet: string,
  { topic = 'connections', group = 'acme', payload }: WalletEvent,
): Promise<string> {
  const event = { wallet_id: wallet, topic, origin: 'multitenant', group_id: group, payload };
  return published(world.hub, topicOf(wallet, topic), JSON.stringify(event), {
    contentType: 'application/json',
  });
}

function topicOf(wallet: string, topic: string): string {
  return `${world.hub.url}wallets/${wallet}/${topic}`;
}

const COMPLETED = { connection_id: 'c1', state: 'completed' };

function addressOf(
  wallet: string,
  { mount = '', rest = 'connections/connection_id/c1/completed', query = '' } = {},
): string {
  return new URL(`${mount}/v1/sse/${wallet}/${rest}${query}`, world.hub.url).href;
}

async function open(
  address: string,
  key: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Stream> {
  const stream = await Stream.open(address, { headers: { 'x-api-key': key, ...more } });
  clients.push(stream);
  return stream;
}

/** An unmodified client with the key, and what its requests were answered. */
function waiting(address: string, key: string) {
  const statuses: number[] = [];
  const got: unknown[] = [];
  const source = new EventSource(address, {
    fetch: async (url, init) => {
      const response = await fetch(url, { ...init, headers: { ...init.headers, 'x-api-key': key } });
      statuses.push(response.status);
      return response;
    },
  });
  source.addEventListener('message', ({ data }: { data: string }) => got.push(JSON.parse(data)));
  clients.push(source);
  return { source, statuses, got };
}

describe('waiting for the event of a wallet', () => {
  it('S002: an unmodified EventSource that waits is given the event, comes back once, is answered 204, and stops', async () => {
    const wallet = newWallet();
    const { source, statuses, got } = waiting(addressOf(wallet), await keyOf(wallet));
    await until('it waits', () => statuses.length === 1);
    await happened(wallet, { payload: { connection_id: 'c1', state: 'request' } });
    await happened(wallet, { payload: { connection_id: 'c2', state: 'completed' } });
    await happened(wallet, { payload: COMPLETED });
    await until('it has stopped', () => source.readyState === 2, 30_000);
    expect(got).toEqual([
      {
        wallet_id: wallet,
        topic: 'connections',
        origin: 'multitenant',
        group_id: 'acme',
        payload: COMPLETED,
      },
    ]);
    expect(statuses).toEqual([200, 204]);
  });

  it.each(['', '/tenant', '/tenant-admin', '/governance'])(
    'S002: an event of the last minute is given at once, below %j',
    async (mount) => {
      const wallet = newWallet();
      const cursor = await happened(wallet, { payload: COMPLETED });
      const stream = await open(addressOf(wallet, { mount }), await keyOf(wallet));
      await until('it has ended', () => stream.ended);
      expect(stream.text.replace(/^:\nretry: \d+\n/, '')).toBe(
        `id: ${cursor}\ndata: {"wallet_id":"${wallet}","topic":"connections","origin":"multitenant","group_id":"acme","payload":{"connection_id":"c1","state":"completed"}}\n\n`,
      );
    },
  );

  it("runs the seed's own program as it stands, but for the address", async () => {
    const wallet = newWallet();
    const program = `const EventSource = require('eventsource');

const wallet_id = '${wallet}';
const url = \`${world.hub.url}tenant-admin/v1/sse/\${wallet_id}/proofs/connections/7/done\`;

const headers = {
  'x-api-key': '${await keyOf(wallet)}',
};

const eventSource = new EventSource(url, { headers });

// Event listener for incoming server-sent events
eventSource.onmessage = (event) => {
  const eventData = JSON.parse(event.data);
  console.log("EVENT ==> ", eventData);
};

// Event listener for handling errors
eventSource.onerror = (error) => {
  console.error('EventSource error:', error);
  // Add your error handling logic here
};

console.log("Listening for events...");
`;
    const folder = await mkdtemp(join(tmpdir(), 'websub-waypoint-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    // The version that its call is written for.
    const library = dirname(createRequire(import.meta.url).resolve('eventsource-2/package.json'));
    await mkdir(join(folder, 'node_modules'));
    await symlink(await realpath(library), join(folder, 'node_modules', 'eventsource'));
    await writeFile(join(folder, 'listen.cjs'), program);
    const child = spawn(process.execPath, ['listen.cjs'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until('it listens', () => output.includes('Listening'));
    await happened(wallet, { topic: 'proofs', payload: { connections: '7', state: 'done' } });
    // With its 204 it has nothing left to do.
    const [status] = (await once(child, 'close')) as [number | null];
    expect(status).toBe(0);
    expect(output.match(/EVENT ==>/g)).toHaveLength(1);
    expect(output).toContain("payload: { connections: '7', state: 'done' }");
  });

  it('finds nothing in an event but the field at its top, as text that is the same', async () => {
    const wallet = newWallet();
    const key = await keyOf(wallet);
    const wish = { rest: 'credentials/thread.id/7/done', query: '?look_back=600' };
    for (const payload of [
      { 'thread.id': 7, state: 'done' },
      { thread: { id: '7' }, state: 'done' },
      { 'thread.id': '7', state: ['done'] },
      { 'thread.id': '7' },
      { 'thread.id': '07', state: 'done' },
    ])
      await happened(wallet, { topic: 'credentials', payload });
    const stream = await open(addressOf(wallet, wish), key);
    await happened(wallet, {
      topic: 'credentials',
      payload: { 'thread.id': '7', state: 'done', last: true },
    });
    const [data] = await stream.gets(1);
    expect(JSON.parse(data!)).toMatchObject({ payload: { last: true } });
  });

  it('wraps a payload that was published alone, with every digit that it had', async () => {
    const wallet = newWallet();
    const publication: Publication = { contentType: 'application/json', headers: { 'x-group-id': 'acme' } };
    await published(
      world.hub,
      topicOf(wallet, 'connections'),
      '{"connection_id":"c1",\n "state":"completed", "serial": 12345678901234567890}',
      publication,
    );
    const stream = await open(addressOf(wallet, { query: '?group_id=acme' }), await keyOf(wallet));
    expect(await stream.gets(1)).toEqual([
      `{"wallet_id":"${wallet}","topic":"connections","origin":"hub","group_id":"acme","payload":{"connection_id":"c1",  "state":"completed", "serial": 12345678901234567890}}`,
    ]);
  });

  it('with strict=1 gives no id, so that a client that comes back is given it again, as by Waypoint', async () => {
    const wallet = newWallet();
    await happened(wallet, { payload: COMPLETED });
    const stream = await open(addressOf(wallet, { query: '?strict=1' }), await keyOf(wallet));
    await until('it has ended', () => stream.ended);
    expect(stream.text).toMatch(/^:\nretry: \d+\ndata: \{.*\}\n\n$/);
  });

  it('does not wait behind an event of long ago, and 0 seconds are the usual 60', async () => {
    const { hub, clock } = await startClockedHub();
    const topic = `${hub.url}wallets/w/connections`;
    await publish(hub, topic, JSON.stringify(COMPLETED), { contentType: 'application/json' });
    await clock.advance(59_000);
    const ask = (query: string): Promise<Stream> =>
      Stream.open(new URL(`/v1/sse/w/connections/connection_id/c1/completed${query}`, hub.url).href);
    expect(await (await ask('?look_back=0')).gets(1)).toHaveLength(1);
    await clock.advance(2_000);
    const late = await ask('');
    clients.push(late);
    expect(await (await ask('?look_back=120')).gets(1)).toHaveLength(1);
    expect(late.events).toEqual([]);
  });

  it('S002: says it is there every 15 seconds, and closes silently after 60 ± 1 s', async () => {
    const clocked = await startClockedHub();
    const stream = await Stream.open(new URL('/v1/sse/w/proofs/thread_id/t/done', clocked.hub.url).href);
    await clocked.pass(59_000, 1_000);
    await until('it has said so', () => stream.text.match(/^: ping - /gm)?.length === 3);
    expect(stream.ended).toBe(false);
    expect(stream.text).toMatch(/^: ping - 2026-11-21 12:00:\d\d\.\d{6}\+00:00$/m);
    await clocked.pass(2_000, 1_000);
    await until('it has ended', () => stream.ended);
    expect(stream.events).toEqual([]);
    expect(stream.text).not.toMatch(/^(?:data|event|id|: (?!ping))/m);
  });

  it('goes on waiting when the hub is killed, and is given what was published meanwhile, once', async () => {
    const wallet = newWallet();
    const { source, got } = waiting(addressOf(wallet), await keyOf(wallet));
    await until('it waits', () => source.readyState === 1);
    await world.hub.kill();
    await world.hub.restart();
    await happened(wallet, { payload: COMPLETED });
    await until('it has stopped', () => source.readyState === 2, 30_000);
    expect(got).toHaveLength(1);
  });
});

describe('who may wait', () => {
  const NOT_AUTHENTICATED = [403, '{"detail":"Not authenticated"}'];
  const UNAUTHORIZED = [401, '{"detail":"Unauthorized"}'];
  const FORBIDDEN = [403, '{"detail":"Unauthorized"}'];
  const past = Math.floor(Date.now() / 1000) - 10;

  it.each<[string, () => string | undefined | Promise<string>, readonly unknown[]]>([
    ['no key', () => undefined, NOT_AUTHENTICATED],
    ['an empty key', () => '', NOT_AUTHENTICATED],
    ['a key without a role', () => 'nothing', UNAUTHORIZED],
    ['a key of an unknown role', () => 'owner.token', UNAUTHORIZED],
    ['a role in other letters', () => `Tenant-Admin.${ADMIN_OF_ALL}`, UNAUTHORIZED],
    ["an admin's key that is none", () => 'tenant-admin.wrong', FORBIDDEN],
    ["governance's key for a wallet", () => `governance.${GOVERNANCE}`, FORBIDDEN],
    ['a token that is none', () => 'tenant.wrong', FORBIDDEN],
    ['an admin key as a token', () => `tenant.${ADMIN_OF_ALL}`, FORBIDDEN],
    [
      'a token of another secret',
      () => tenantKey({ claims: { wallet_id: 'w' }, secret: 'x'.repeat(40) }),
      FORBIDDEN,
    ],
    [
      'a token of another algorithm',
      () => tenantKey({ claims: { wallet_id: 'w' }, secret: SECRET.repeat(2), algorithm: 'HS512' }),
      FORBIDDEN,
    ],
    [
      'a token without a signature',
      () => `tenant.${btoa('{"alg":"none"}')}.${btoa('{"wallet_id":"w"}')}.`,
      FORBIDDEN,
    ],
    ['a token that has expired', () => tenantKey({ claims: { wallet_id: 'w', exp: past } }), FORBIDDEN],
    ['a token of tomorrow', () => tenantKey({ claims: { wallet_id: 'w', iat: past + 86_400 } }), FORBIDDEN],
    ['a token without a wallet', () => tenantKey({}), FORBIDDEN],
    ['a token whose wallet is no text', () => tenantKey({ claims: { wallet_id: ['w'] } }), FORBIDDEN],
    ['the token of another wallet', () => keyOf('other'), FORBIDDEN],
    ['the token of a wallet that is called admin', () => keyOf('admin'), FORBIDDEN],
  ])('S002: %s is answered as by acapy-cloud', async (_what, key, expected) => {
    const shown = await key();
    const headers = shown === undefined ? {} : { 'x-api-key': shown };
    const answer = await send(addressOf('w'), { headers });
    expect([answer.status, answer.text]).toEqual(expected);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  it('S002: a tenant admin waits for any wallet of its group, and is never given an event of another', async () => {
    const mine = newWallet();
    const theirs = newWallet();
    await happened(mine, { group: 'acme', payload: COMPLETED });
    await happened(theirs, { group: 'globex', payload: COMPLETED });
    await happened(theirs, { group: null, payload: COMPLETED });
    const acme = `tenant-admin.${ADMIN_OF_ACME}`;
    expect(await (await open(addressOf(mine), acme)).gets(1)).toHaveLength(1);
    const nothing = await open(addressOf(theirs), acme);
    const neither = await open(addressOf(theirs, { query: '?group_id=globex' }), acme);
    // One who may wait for every group is given it, by then long before.
    expect(await (await open(addressOf(theirs), `tenant-admin.${ADMIN_OF_ALL}`)).gets(1)).toHaveLength(1);
    const ofGroup = await open(
      addressOf(theirs, { query: '?group_id=globex' }),
      `tenant-admin.${ADMIN_OF_ALL}`,
    );
    expect(await ofGroup.gets(1)).toHaveLength(1);
    expect([nothing.events, neither.events, nothing.status, neither.status]).toEqual([[], [], 200, 200]);
    const governance = await open(addressOf('governance'), `governance.${GOVERNANCE}`);
    expect(governance.status).toBe(200);
  });

  it('LAW 13: nobody reads the events of a wallet by another way without a credential', async () => {
    const topic = encodeURIComponent(topicOf('w', 'connections'));
    const ask = (path: string): Promise<Answer> => send(new URL(path, world.hub.url).href);
    expect((await ask(`/v1/sse?topic=${topic}&timeout=1`)).status).toBe(401);
    expect((await ask(`/v1/wait?topic=${topic}&timeout=1`)).status).toBe(401);
    const callback = world.callback();
    const answer = await send(world.hub.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `hub.mode=subscribe&hub.callback=${encodeURIComponent(callback.url)}&hub.topic=${topic}`,
    });
    expect(answer.status).toBe(401);
    // By a pattern for everything, what is not for everybody is left out.
    const stream = await Stream.open(
      new URL(`/v1/sse?match_urlpattern=${encodeURIComponent(`${world.hub.url}*`)}`, world.hub.url).href,
    );
    clients.push(stream);
    await happened('w', { payload: COMPLETED });
    await published(world.hub, `${world.hub.url}open`, 'open');
    expect(await stream.gets(1)).toEqual(['open']);
  });

  it('LAW 13: a revocation of the wallet ends its streams', async () => {
    const wallet = newWallet();
    const key = await keyOf(wallet);
    const stream = await open(addressOf(wallet), key);
    expect((await manage(world.hub, 'POST', '/revocations', { sub: wallet })).status).toBe(204);
    await until('it has ended', () => stream.ended);
    const again = await open(addressOf(wallet), key);
    await until('it ends at once', () => again.ended);
    await happened(wallet, { payload: COMPLETED });
    expect([stream.events, again.events]).toEqual([[], []]);
  });

  it('without keys of Waypoint the rules of the hub hold', async () => {
    const hub = await world.embedHub({ dev: false, flags: ['--read', 'closed'] });
    const answer = await send(new URL('/v1/sse/w/connections/connection_id/c1/completed', hub.url).href);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      401,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
  });
});

it.each([
  ['--waypoint-jwt-secret', 'too-short', 'has fewer than 32 characters'],
  ['--waypoint-admin-keys', 'acme=too-short', 'has fewer than 16 characters'],
])('a hub that is not for development does not start with %s %s', async (flag, value, sentence) => {
  const { status, stderr } = await runHub(['start', '--port', '0', '--data', ':memory:', flag, value]);
  expect([status, stderr]).toEqual([2, expect.stringContaining(`${flag} ${sentence}`)]);
});

describe('hostile input', () => {
  it.each(['abc', '-1', '1.5', '1e3', '99999999999', ' '])(
    'a look_back of %j is answered 422 as by FastAPI',
    async (lookBack) => {
      const address = addressOf('w', { query: `?look_back=${encodeURIComponent(lookBack)}` });
      const answer = await send(address, { headers: { 'x-api-key': await keyOf('w') } });
      expect(answer.status).toBe(422);
      expect(JSON.parse(answer.text)).toMatchObject({
        detail: [{ type: 'int_parsing', loc: ['query', 'look_back'], input: lookBack }],
      });
    },
  );

  it.each([
    'connections/connection_id/c1/%',
    'connections/%ff/c1/completed',
    `connections/connection_id/c1/completed?group_id=a&group_id=b`,
    `${'x'.repeat(3_000)}/connection_id/c1/completed`,
    'connections/connection_id/c1',
    'connections/connection_id/c1/completed/more',
  ])('GET …/%s is answered 4xx', async (rest) => {
    const { status } = await send(addressOf('w', { rest }), { headers: { 'x-api-key': await keyOf('w') } });
    expect([status >= 400, status < 500]).toEqual([true, true]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('a field called %s is a field', async (field) => {
    const wallet = newWallet();
    await happened(wallet, { payload: { state: 'done' } });
    const text = `{"${field}":"7","state":"done"}`;
    await published(world.hub, topicOf(wallet, 'oob'), text, { contentType: 'application/json' });
    const stream = await open(addressOf(wallet, { rest: `oob/${field}/7/done` }), await keyOf(wallet));
    expect(await stream.gets(1)).toHaveLength(1);
  });

  it.each([
    'not JSON',
    '[]',
    'null',
    '"text"',
    '{"wallet_id":7,"payload":null}',
    '{"payload":{"payload":[]}}',
  ])('what is published as %s is nobody’s event, and nothing fails', async (body) => {
    const wallet = newWallet();
    await published(world.hub, topicOf(wallet, 'connections'), body, { contentType: 'application/json' });
    const stream = await open(addressOf(wallet), await keyOf(wallet));
    await happened(wallet, { payload: COMPLETED });
    expect(await stream.gets(1)).toHaveLength(1);
  });
});
