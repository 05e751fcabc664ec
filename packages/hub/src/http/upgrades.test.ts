import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Bridge } from '../bridge/bridge.js';
import type { SocketProtocol } from '../bridge/socket/protocol.js';
import { trustedProxies } from './client.js';
import { ADMIN_KEY, SocketServer, until, type SocketServerOptions } from './socket-server.sample.js';

/** Says how a client has come, and what it says. */
const parrot = (_bridge: Bridge): readonly SocketProtocol[] => [
  {
    paths: ['/parrot', '/polly'],
    choose: (offered) => offered.find((each) => each === 'parrot.v1'),
    converse: (socket, { entrance, params, subprotocol, address }) => {
      socket.tell([entrance.kind, params.get('a'), subprotocol, address]);
      return { receive: (text) => socket.tell(text) };
    },
    farewell: (end, afterMs) => ({ text: end, code: 4000, reason: afterMs > 0 ? end : '' }),
  },
];

const start = (options?: SocketServerOptions): Promise<SocketServer> => SocketServer.start(parrot, options);

/** Sends these bytes and settles with everything that came back until the other side closed. */
function raw(room: SocketServer, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(room.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

const HANDSHAKE =
  'GET /parrot HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';

describe('a request to upgrade', () => {
  it('becomes a connection at each path of its protocol', async () => {
    const room = await start();
    const clients = [room.connect('/parrot?a=1', ['x', 'parrot.v1']), room.connect('/polly')];
    await until(() => clients.every(({ texts }) => texts.length === 1));
    expect(clients.map(({ messages }) => messages[0])).toEqual([
      ['anybody', '1', 'parrot.v1', '127.0.0.1'],
      ['anybody', null, '', '127.0.0.1'],
    ]);
    expect(room.bridge.streams.count).toBe(2);
  });

  it('is answered in what nobody speaks that it is not there', async () => {
    const room = await start();
    const answer = await raw(room, HANDSHAKE.replace('/parrot', '/v1/nothing?secret=1') + '\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\nContent-Type: application\/problem\+json\r\n/);
    expect(answer).toContain('no WebSocket is spoken at /v1/nothing: connect to one of /parrot, /polly');
    expect(answer).not.toContain('secret');
  });

  it.each([
    ['without a key', HANDSHAKE],
    ['with a key that is none', `${HANDSHAKE}Sec-WebSocket-Key: abc\r\n`],
    [
      'of an unknown version',
      `${HANDSHAKE.replace('13', '99')}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`,
    ],
    [
      'with a broken list of subprotocols',
      `${HANDSHAKE}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a,,b\r\n`,
    ],
    ['by POST', `${HANDSHAKE.replace('GET', 'POST')}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`],
    [
      'with a query that is no UTF-8',
      `${HANDSHAKE.replace('/parrot', '/parrot?a=%ff')}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`,
    ],
  ])('%s is answered 400, and nothing breaks', async (_what, bytes) => {
    const room = await start();
    expect(await raw(room, `${bytes}\r\n`)).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/,
    );
    expect(room.faults).toEqual([]);
    expect(room.bridge.streams.count).toBe(0);
  });

  it('with more than 100 headers is answered 431', async () => {
    const room = await start();
    const headers = Array.from({ length: 101 }, (_, nth) => `X-${nth}: 1\r\n`).join('');
    expect(await raw(room, `${HANDSHAKE}${headers}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('is answered 503 while the hub is not ready', async () => {
    const room = await start({ isReady: () => false });
    expect(await raw(room, `${HANDSHAKE}\r\n`)).toMatch(/^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
  });

  it.each([
    ['of nobody in particular', undefined, undefined],
    ['of the hub itself', 'https://hub.example', undefined],
    ['of where it was asked', 'http://127.0.0.1', undefined],
    ['of an origin that is let in', 'https://shop.example', undefined],
    ['of another origin', 'https://evil.example', 403],
    ['of an origin that ends alike', 'https://evil-shop.example', 403],
    ['of a page without origin', 'null', 403],
  ])('%s: by a page', async (_whose, origin, refused) => {
    const room = await start({ corsOrigins: ['https://shop.example'] });
    const own = origin === 'http://127.0.0.1' ? `${origin}:${room.port}` : origin;
    const client = room.connect('/parrot', [], own === undefined ? {} : { origin: own });
    await until(() => client.texts.length > 0 || client.refused !== undefined);
    expect(client.refused).toBe(refused);
  });

  it('that asks for another protocol than WebSocket is an ordinary request, with its body', async () => {
    const room = await start();
    const answer = await raw(
      room,
      'POST /?a=1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    );
    expect(room.ordinary).toEqual(['POST /?a=1 hello', 'GET / ']);
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });
});

describe('whoever connects', () => {
  it.each([
    ['Authorization', { headers: { authorization: `Bearer ${ADMIN_KEY}` } }, []],
    ['X-Api-Key', { headers: { 'x-api-key': ADMIN_KEY } }, []],
    ['a subprotocol', {}, [`hub.bearer.${Buffer.from(ADMIN_KEY).toString('base64url')}`]],
  ])('is known by a credential as %s', async (_how, options, subprotocols) => {
    const room = await start();
    const client = room.connect('/parrot', ['parrot.v1', ...subprotocols], options);
    await until(() => client.texts.length > 0);
    expect(client.messages[0]).toEqual(['admitted', null, 'parrot.v1', '127.0.0.1']);
  });

  it('is known by a ticket, once', async () => {
    const room = await start();
    const { text } = room.gate.issueTicket(room.gate.anybody);
    const first = room.connect(`/parrot?ticket=${text}`);
    await until(() => first.texts.length > 0);
    expect(first.messages[0]).toEqual(['admitted', null, '', '127.0.0.1']);
    const second = room.connect(`/parrot?ticket=${text}`);
    await until(() => second.closed !== undefined);
    expect([second.texts, second.closed]).toEqual([['unauthorized'], '4000 unauthorized']);
  });

  it('with a credential that is not good is told so by a close frame, which a page can see', async () => {
    const room = await start();
    const client = room.connect('/parrot', [], { headers: { authorization: 'Bearer wrong' } });
    await until(() => client.closed !== undefined);
    expect([client.texts, client.closed]).toEqual([['unauthorized'], '4000 unauthorized']);
    expect(room.bridge.streams.count).toBe(0);
  });

  it('is told when there is no room, and let in when somebody has left', async () => {
    const room = await start({ bounds: { perAddress: 1 } });
    const first = room.connect('/parrot');
    await until(() => first.texts.length === 1);
    const second = room.connect('/parrot');
    await until(() => second.closed !== undefined);
    expect([second.texts, second.closed]).toEqual([['busy'], '4000 busy']);
    first.socket.close();
    await until(() => room.bridge.streams.count === 0);
    const third = room.connect('/parrot');
    await until(() => third.texts.length === 1);
    expect(room.bridge.streams.count).toBe(1);
  });

  it('is counted by the address that a trusted proxy tells', async () => {
    const room = await start({ isTrusted: trustedProxies(['127.0.0.0/8']) });
    const client = room.connect('/parrot', [], { headers: { 'x-forwarded-for': '203.0.113.7' } });
    await until(() => client.texts.length > 0);
    expect(client.messages[0]).toEqual(['anybody', null, '', '203.0.113.7']);
  });
});
