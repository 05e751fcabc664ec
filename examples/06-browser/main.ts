/* A hub, a page that shows a topic live, and somebody who publishes. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createHub } from '@websub/hub';
import { createPublisher } from '@websub/publisher';
import express from 'express';

const TOPIC = 'https://harbour.example/ships';
const SHIPS = ['Morning Star', 'Petrel', 'Halcyon', 'Mary Ann'];
const DOINGS = ['casts off', 'passes the lighthouse', 'drops anchor', 'comes alongside'];
const page = fileURLToPath(new URL('../page.html', import.meta.url));

const app = express();
app.get('/', (_request, response) => response.sendFile(page));
app.get('/settings', (_request, response) => void response.json({ hub: hub.url, topic: TOPIC }));
app.post('/stop-hub', async (_request, response) => {
  await stopForAWhile(3_000);
  response.status(204).end();
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const data = await mkdtemp(join(tmpdir(), 'websub-browser-'));
// Pages of another origin may read only where the hub says so.
const options = { dev: true, data, corsOrigins: [address] };
let hub = await createHub({ ...options, port: 0 });
const port = Number(new URL(hub.url).port);

async function stopForAWhile(ms: number): Promise<void> {
  await hub.stop();
  await pause(ms);
  hub = await createHub({ ...options, port });
}

let running = true;
async function publishFromShips(): Promise<void> {
  const publisher = createPublisher({ hub: hub.url });
  for (let nth = 0; running; nth++) {
    const update = {
      nth,
      ship: SHIPS[nth % SHIPS.length],
      does: DOINGS[Math.floor(nth / 4) % DOINGS.length],
    };
    // It tries again by itself while the hub is away; the id keeps what had arrived after all from being there twice.
    await publisher
      .publish(TOPIC, JSON.stringify(update), { contentType: 'application/json', id: `update-${nth}` })
      .catch(() => (nth -= 1));
    await pause(700);
  }
  await publisher.close();
}

const publishing = publishFromShips();
console.log(`open ${address}/ in a browser; Ctrl-C ends this`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
running = false;
await publishing;
server.close();
server.closeAllConnections();
await hub.stop();
await rm(data, { recursive: true });
