import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { HubAddress } from '../support/requests.js';
import { listAll, metric, published, subscribe } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const MIB = 1_048_576;

it('1 MiB of noise goes to 1,000 callbacks byte for byte, and the hub does not hold 1,000 copies', async () => {
  const server = await world.callbackServer({ keepBodies: false });
  const topic = world.topic().url;
  const callbacks = Array.from({ length: 1_000 }, () => server.callback());
  await Promise.all(
    callbacks.map(({ url }) => subscribe(world.hub, url, topic, { 'hub.secret': 'a secret' })),
  );
  await until(
    'all are active',
    async () => (await listAll(world.hub, '/v1/subscriptions', { topic, state: 'active' })).length === 1_000,
  );
  // Warm: connections and code are there before memory is measured.
  await published(world.hub, topic, 'small');
  await until('all have the small one', () => callbacks.every(({ deliveries }) => deliveries.length === 1));
  const before = await residentBytes(world.hub, world.hub.pid);

  const body = randomBytes(MIB);
  await published(world.hub, topic, body, { contentType: 'application/octet-stream' });
  let most = before;
  await until(
    'all have the large one',
    async () => {
      most = Math.max(most, await residentBytes(world.hub, world.hub.pid));
      return callbacks.every(({ deliveries }) => deliveries.length === 2);
    },
    20_000,
  );
  const digest = createHash('sha256').update(body).digest('hex');
  expect(callbacks.filter(({ deliveries }) => deliveries[1]?.digest !== digest)).toEqual([]);
  // A quarter of what 1,000 copies need leaves room for the requests in flight (64 to one host in --dev) and for garbage.
  expect((most - before) / MIB).toBeLessThan(250);
}, 40_000);

/** Of the process, from the kernel where it tells, else as the hub's own metrics say. */
async function residentBytes(hub: HubAddress, pid: number): Promise<number> {
  try {
    const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  } catch {
    return (await metric(hub, 'process_resident_memory_bytes')) ?? 0;
  }
}
