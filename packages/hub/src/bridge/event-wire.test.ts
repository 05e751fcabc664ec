import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { chunkOf } from './chunk.js';
import { EventWire } from './event-wire.js';

/** The hub's side of a connection whose client reads nothing. */
async function connectionUnread(): Promise<Socket> {
  const server = createServer({ highWaterMark: 16 * 1024 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return socket;
}

it('what a connection still had when it closed was not sent', async () => {
  const socket = await connectionUnread();
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
    wire.send(chunkOf('x'.repeat(64 * 1024)));
    given += 1;
  }
  socket.destroy();
  await once(socket, 'close');
  await setImmediate();
  expect(sent).toBe(given - 1);
});
