import { readFile } from 'node:fs/promises';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { CLOSINGS, ERRORS } from '../../packages/hub/dist/bridge/native/close-codes.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';
import { wsAddress } from '../support/ws-clients.js';

const world = useWorld();
const chapter = /^## WebSocket\n.*?(?=^## )/ms.exec(
  await readFile(new URL('../../docs/bridges.md', import.meta.url), 'utf8'),
)![0];

type Follow = (topic: string, show: (data: unknown) => void, from?: string) => void;

it('the program of docs/bridges.md goes on where it was when the hub was killed', async () => {
  const topic = 'https://shop.example/docs/orders';
  const program = /```js\n(function follow.*?)```/s.exec(chapter)![1]!;
  const sockets: WebSocket[] = [];
  class Noted extends WebSocket {
    constructor(_url: string, subprotocol: string) {
      super(wsAddress(world.hub), subprotocol);
      // A page does not end because of it.
      this.on('error', () => undefined);
      sockets.push(this);
    }
  }
  const follow = runInNewContext(`${program}; follow`, { WebSocket: Noted, setTimeout }) as Follow;
  onTestFinished(() => {
    for (const socket of sockets) {
      socket.onclose = null;
      socket.terminate();
    }
  });
  await published(world.hub, topic, 'before');
  const shown: unknown[] = [];
  follow(topic, (data) => shown.push(data), 'earliest');
  await until('it has the first', () => shown.length === 1);
  await world.hub.kill();
  await world.hub.restart();
  await published(world.hub, topic, 'after');
  await until('it has the second', () => shown.length === 2, 20_000);
  expect(shown).toEqual(['before', 'after']);
});

it('docs/bridges.md tells of every code with which a connection ends or a message is refused', () => {
  const told = new Map(
    [...chapter.matchAll(/^\| (\d{4}) \| ([^|]*)\|/gm)].map(([, code, reasons]) => [Number(code), reasons!]),
  );
  const used = new Set([...Object.values(CLOSINGS), ...Object.values(ERRORS)].map(({ code }) => code));
  expect(new Set(told.keys())).toEqual(used);
  for (const [code, reasons] of told)
    for (const [, reason] of reasons.matchAll(/`(\w+)`/g))
      expect({ ...ERRORS, ...CLOSINGS }).toHaveProperty([reason!, 'code'], code);
});
