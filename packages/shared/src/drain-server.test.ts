import { EventEmitter, once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  Agent,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { connect, Socket, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { drainable, type Drainable } from './drain-server.js';

async function start(listener: RequestListener): Promise<Drainable & { readonly port: number }> {
  const server = createServer(listener);
  const { drain, cut } = drainable(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, drain, cut };
}

describe('drainable', () => {
  it('ends at once connections on which nothing was ever sent', async () => {
    const { port, drain } = await start((_request, response) => void response.end());
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    // The server has it too once it answers another.
    const agent = new Agent({ keepAlive: true });
    const [answer] = (await once(httpRequest({ port, host: '127.0.0.1', agent }).end(), 'response')) as [
      IncomingMessage,
    ];
    answer.resume();
    await once(answer, 'end');
    const closed = once(socket, 'close');
    await drain();
    await closed;
    expect(socket.destroyed).toBe(true);
    agent.destroy();
  });

  it('waits for the answer to a request under way, and no longer', async () => {
    const received = new EventEmitter();
    const { port, drain } = await start((_request, response) => void received.emit('request', response));
    const arrives = once(received, 'request') as Promise<[ServerResponse]>;
    const agent = new Agent({ keepAlive: true });
    const response = once(httpRequest({ port, host: '127.0.0.1', agent }).end(), 'response') as Promise<
      [IncomingMessage]
    >;
    const [answer] = await arrives;
    let drained = false;
    const draining = drain().then(() => (drained = true));
    await new Promise(setImmediate);
    expect(drained).toBe(false);
    answer.end('late');
    expect((await response)[0].statusCode).toBe(200);
    (await response)[0].resume();
    await draining;
  });

  it('cuts whatever is connected, also what was upgraded', async () => {
    const server = createServer();
    const { cut } = drainable(server);
    const upgrading = once(server, 'upgrade');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    await upgrading;
    const closed = once(client, 'close');
    server.close();
    cut();
    await closed;
  });

  it('keeps nothing more of a connection that is given to the server again and again', () => {
    // Without what Node itself does with a connection.
    const server = createServer().removeAllListeners('connection');
    drainable(server);
    const socket = new Socket();
    for (let time = 1; time <= 3; time++) server.emit('connection', socket);
    expect(socket.listenerCount('close')).toBe(1);
  });

  it('is harmless on a server that does not listen', async () => {
    await expect(drainable(createServer()).drain()).resolves.toBeUndefined();
  });
});
