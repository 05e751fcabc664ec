import { describe, expect, it } from 'vitest';
import type { SocketProtocol } from './protocol.js';
import { SocketServer, until } from '../../http/socket-server.sample.js';
import { beginningOf, endingOf, messageOf, type Message } from './frames.js';

const KIB = 1024;

/** Sends these messages, for a client of the ws library to read. */
async function received(messages: readonly Message[]): Promise<readonly string[]> {
  const protocol: SocketProtocol = {
    paths: ['/'],
    choose: () => undefined,
    converse: (socket) => {
      for (const message of messages) socket.send(message);
      return { receive: () => undefined };
    },
    farewell: (reason) => ({ code: 4000, reason }),
  };
  const room = await SocketServer.start(() => [protocol]);
  const client = room.connect('/');
  await until(() => client.texts.length === messages.length || client.closed !== undefined);
  return client.texts;
}

describe('a message', () => {
  it('of any length is read as it was', async () => {
    const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 200 * KIB].map((length) =>
      'é'.repeat(length / 2),
    );
    expect(await received(texts.map((text) => messageOf(text)))).toEqual(texts);
  });

  it('has a frame for each 64 KiB, so that there can be a ping between', () => {
    expect(messageOf('x'.repeat(64 * KIB))).toHaveLength(1);
    expect(messageOf('x'.repeat(64 * KIB + 1))).toHaveLength(2);
    expect(messageOf('x'.repeat(1024 * KIB))).toHaveLength(16);
  });

  it('may begin in an own way and end as others do', async () => {
    const shared = endingOf(Buffer.from(`${'x'.repeat(100 * KIB)}"}`));
    const messages = ['a', 'b'].map((sid) => [beginningOf(`{"sid":"${sid}","text":"`), ...shared]);
    expect(await received(messages)).toEqual(
      ['a', 'b'].map((sid) => `{"sid":"${sid}","text":"${'x'.repeat(100 * KIB)}"}`),
    );
    expect(messages[0]![1]).toBe(messages[1]![1]);
  });
});
