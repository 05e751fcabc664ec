import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { chunkOf } from './chunk.js';
import { EventWire } from './event-wire.js';

/** The hub's side of a connection whose client reads nothing. */
async function connectionUnread(): Promise<{ readonly socket: Socket; readonly client: Socket }> {
  const server = createServer({ highWaterMark: 16 * 1024 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  for (const side of [socket, client]) side.on('error', () => side.destroy());
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return { socket, client };
}

it.each([
  ['closed', (socket: Socket) => socket.destroy()],
  ['broke', (_socket: Socket, client: Socket) => client.resetAndDestroy()],
])('what a connection still had when it %s was not sent', async (_how, end) => {
  const { socket, client } = await connectionUnread();
  let sent = 0;
  const wire = new EventWire({
    connection: { socket, isChunked: true },
    window: () => 256 * 1024,
    onDrain: () => undefined,
    onSent: () => (sent += 1),
  });
  let given = 0;
  // Ends when the network holds no more.
  while (wire.isIdle) {
    await setImmediate();
    expect(sent).toBe(given);
    wire.send(chunkOf('x'.repeat(32 * 1024)));
    given += 1;
  }
  const closed = new Promise((resolve) => socket.once('close', resolve));
  end(socket, client);
  await closed;
  await setImmediate();
  expect(sent).toBe(given - 1);
});
