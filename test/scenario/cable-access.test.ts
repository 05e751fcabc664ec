import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, type Hub } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN_KEY, createKey, postJson } from '../support/access.js';
import { cableUrl } from '../support/cable-clients.js';
import { send } from '../support/http.js';
import { publish, type HubAddress } from '../support/requests.js';
import { until } from '../support/until.js';

const AUDIENCE = 'https://hub.example/';
const SECRET = Buffer.alloc(32, 3);
const TOPIC = 'https://shop.example/orders';

const clock = new TestClock(Date.UTC(2026, 10, 21, 12));
let hub: Hub;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'websub-keys-'));
  const jwtKeys = join(folder, 'keys.json');
  const key = { kty: 'oct', alg: 'HS256', k: SECRET.toString('base64url') };
  await writeFile(jwtKeys, JSON.stringify({ keys: [key] }));
  hub = await createHub({
    port: 0,
    data: ':memory:',
    adminKey: ADMIN_KEY,
    publish: 'open',
    read: 'closed',
    jwtKeys,
    jwtAudience: AUDIENCE,
    corsOrigins: ['https://shop.example'],
    ports: { clock },
  });
});
afterAll(async () => {
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

type Message = Readonly<Record<string, unknown>>;

/** A plain WebSocket at `/cable`, which shows the credential. */
async function connected(
  credential: string,
  origin?: string,
  to: HubAddress = hub,
): Promise<{ socket: WebSocket; said: Message[] }> {
  const socket = new WebSocket(cableUrl(to), ['actioncable-v1-json'], {
    headers: { authorization: `Bearer ${credential}` },
    ...(origin === undefined ? {} : { origin }),
  });
  const said: Message[] = [];
  socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as Message));
  onTestFinished(() => socket.terminate());
  await until('it is answered', () => said.length > 0);
  return { socket, said };
}

function tokenOf(claims: object, seconds: number): Promise<string> {
  return new SignJWT({ hub: { sub: [TOPIC] }, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience(AUDIENCE)
    .setIssuedAt(Math.floor(clock.now() / 1000))
    .setExpirationTime(Math.floor(clock.now() / 1000) + seconds)
    .sign(SECRET);
}

const identifier = JSON.stringify({ channel: 'TopicChannel', topics: [TOPIC] });
const given = (said: readonly Message[]): Message[] =>
  said.filter(({ message, type }) => message !== undefined && type === undefined);

async function subscribed({ socket, said }: { socket: WebSocket; said: Message[] }): Promise<void> {
  socket.send(JSON.stringify({ command: 'subscribe', identifier }));
  await until('it is confirmed', () => said.some(({ type }) => type === 'confirm_subscription'));
}

describe('a connection of Action Cable', () => {
  it('ends with its token, and is told so', async () => {
    const client = await connected(await tokenOf({ sub: 'ada' }, 60));
    await subscribed(client);
    await clock.advance(59_000);
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    await clock.advance(2_000);
    await until('it is closed', () => client.socket.readyState === WebSocket.CLOSED);
    expect(client.said.at(-1)).toEqual({ type: 'disconnect', reason: 'token_expired', reconnect: false });
  });

  it('of a token that has ended is told so at once', async () => {
    const token = await tokenOf({ sub: 'ada' }, -120);
    const { said } = await connected(token);
    expect(said).toEqual([{ type: 'disconnect', reason: 'token_expired', reconnect: false }]);
  });

  it.each([
    [
      'token',
      async () => ({
        credential: await tokenOf({ jti: 't1' }, 600),
        end: () => postJson(hub, '/v1/revocations', { jti: 't1' }),
      }),
    ],
    [
      'key',
      async () => {
        const { id, key } = await createKey(hub, { role: 'reader', read: [TOPIC] });
        const headers = { authorization: `Bearer ${ADMIN_KEY}` };
        return {
          credential: key,
          end: () => send(`${hub.url}v1/credentials/${id}`, { method: 'DELETE', headers }),
        };
      },
    ],
  ])('ends when its %s is revoked, and is given nothing from then on', async (_what, make) => {
    const { credential, end } = await make();
    const client = await connected(credential);
    await subscribed(client);
    await end();
    await publish(hub, TOPIC, 'a secret');
    await until('it is closed', () => client.socket.readyState === WebSocket.CLOSED);
    expect([client.said.at(-1), given(client.said)]).toEqual([
      { type: 'disconnect', reason: 'remote', reconnect: false },
      [],
    ]);
  });

  it('is given topics by list and by pattern, by type, and none that its credential does not allow', async () => {
    const { key } = await createKey(hub, { role: 'reader', read: ['https://shop.example/*'] });
    const client = await connected(key);
    const wide = JSON.stringify({
      channel: 'TopicChannel',
      topics: [TOPIC],
      match: ['https://*.example/news'],
      type: 'sale',
    });
    client.socket.send(JSON.stringify({ command: 'subscribe', identifier: wide }));
    await until('it is confirmed', () => client.said.some(({ type }) => type === 'confirm_subscription'));
    for (const [topic, type] of [
      [TOPIC, 'sale'],
      [TOPIC, 'other'],
      ['https://bank.example/news', 'sale'],
      ['https://shop.example/news', 'sale'],
    ] as const)
      await publish(hub, topic, `${type} at ${topic}`, { type });
    await until('it has the last', () => given(client.said).length === 2);
    expect(given(client.said).map(({ message }) => (message as Message)['data'])).toEqual([
      `sale at ${TOPIC}`,
      'sale at https://shop.example/news',
    ]);
    const refused = JSON.stringify({ channel: 'TopicChannel', topic: 'https://bank.example/news' });
    client.socket.send(JSON.stringify({ command: 'subscribe', identifier: refused }));
    await until('it is rejected', () => client.said.at(-1)?.['type'] === 'reject_subscription');
  });

  it('is made for pages of the origins that are named, and anybody else finds nothing there', async () => {
    const token = await tokenOf({}, 600);
    const { said } = await connected(token, 'https://shop.example');
    expect(said).toEqual([{ type: 'welcome' }]);
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: 'https://elsewhere.example',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const answers = [
      await send(`${hub.url}cable`),
      await send(`${hub.url}websocket`, { method: 'POST', body: 'x' }),
      await send(`${hub.url}cable`, { headers }),
    ];
    expect(answers.map(({ status, text }) => [status, text.includes('Page not found')])).toEqual(
      Array.from({ length: 3 }, () => [404, true]),
    );
  });

  it('LAW 13: of somebody without a credential gets no events of Loom where tokens are taken, also when all else is open', async () => {
    const open = await createHub({
      port: 0,
      data: ':memory:',
      jwtKeys: join(folder, 'keys.json'),
      jwtAudience: AUDIENCE,
    });
    onTestFinished(() => open.stop());
    const socket = new WebSocket(cableUrl(open), ['actioncable-v1-json']);
    onTestFinished(() => socket.terminate());
    const said: Message[] = [];
    socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as Message));
    await until('it is welcome', () => said.length > 0);
    for (const wish of [{ events: 'shop.order_paid' }, { events: '*' }]) {
      const asked = JSON.stringify({ channel: 'EventChannel', ...wish });
      socket.send(JSON.stringify({ command: 'subscribe', identifier: asked }));
    }
    socket.send(JSON.stringify({ command: 'subscribe', identifier }));
    await until('all are answered', () => said.length === 4);
    expect(said.slice(1).map(({ type }) => type)).toEqual([
      'reject_subscription',
      'reject_subscription',
      'confirm_subscription',
    ]);
  });

  it('is made in development with the credential of another system, where nobody says whose are good', async () => {
    const developing = await createHub({ dev: true, port: 0, data: ':memory:' });
    onTestFinished(() => developing.stop());
    for (const elsewhere of [await tokenOf({}, 600), 'a-key-of-elsewhere']) {
      const { said } = await connected(elsewhere, undefined, developing);
      expect(said).toEqual([{ type: 'welcome' }]);
    }
  });
});
