import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HubProcess } from '../support/hub-process.js';
import { inState, published, subscribed, subscriptionsOf } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

/** How long the clock is jumping about; `npm run chaos` takes five minutes. */
const JUMPING_MS = Number(process.env['CLOCK_JUMPING_MS'] ?? 4_000);
const JUMP_EVERY_MS = Math.min(10_000, JUMPING_MS / 4);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MINUTE = 60_000;

const world = useSurroundings();
const preload = fileURLToPath(new URL('../support/jumping-clock.mjs', import.meta.url));

/** A hub whose wall clock is ahead by what was said last. */
interface ClockedProcess {
  readonly hub: HubProcess;
  readonly jump: (aheadMs: number) => Promise<void>;
}

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** Shared, as each test jumps from wherever the one before has left the clock. */
let slow: ClockedProcess;

beforeAll(async () => {
  slow = await hubWithClock(['--retry-delays', '3,3,3,3']);
});

it.each([
  ['forwards', HOUR],
  ['back', -HOUR],
])(
  'a jump %s neither hastens nor delays what waits to be tried again',
  async (_where, byMs) => {
    const { hub, jump } = slow;
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(hub, callback, topic);
    await inState(hub, callback, 'active');
    callback.onDelivery = () => ({ status: 500 });
    await published(hub, topic, 'an update');
    await arrived('attempts', callback.deliveries, 1);
    await jump(byMs);
    const deliveries = await arrived('attempts', callback.deliveries, 3, MINUTE);
    const waits = deliveries.slice(1).map(({ at }, index) => at - deliveries[index]!.at);
    // Three seconds, less a fifth by chance.
    for (const waited of waits) expect(waited).toBeGreaterThan(2_300);
  },
  MINUTE,
);

it('LAW 4: a jump over the end of a lease ends it, and one back does not revive it', async () => {
  const { hub, jump } = slow;
  const topic = world.topic().url;
  const [ten, twenty] = [world.callback(), world.callback()];
  await subscribed(hub, ten, topic, { 'hub.lease_seconds': (10 * DAY) / 1_000 });
  await subscribed(hub, twenty, topic, { 'hub.lease_seconds': (20 * DAY) / 1_000 });
  for (const callback of [ten, twenty]) await inState(hub, callback, 'active');
  await jump(11 * DAY);
  await published(hub, topic, 'after the jump');
  await until('the longer lease is served', () => twenty.texts.includes('after the jump'));
  await until('the other has ended', async () => (await subscriptionsOf(hub, ten.url)).length === 0);
  await jump(0);
  await published(hub, topic, 'back again');
  await until('the longer lease is served', () => twenty.texts.includes('back again'));
  expect(ten.deliveries).toEqual([]);
});

it(
  `nothing is lost, repeated or out of order while the clock jumps about for ${JUMPING_MS / 1_000} s`,
  async () => {
    const { hub, jump } = await hubWithClock([
      '--retry-delays',
      Array.from({ length: 50 }, () => '0.2').join(','),
    ]);
    const topic = world.topic().url;
    const [well, flaky] = [world.callback(), world.callback()];
    let answers = 0;
    flaky.onDelivery = () => ({ status: answers++ % 10 === 0 ? 500 : 204 });
    for (const callback of [well, flaky]) {
      await subscribed(hub, callback, topic, { 'hub.lease_seconds': (20 * DAY) / 1_000 });
      await inState(hub, callback, 'active');
    }
    const updates: string[] = [];
    const jumps = [HOUR, 0, -DAY, 0, -HOUR, 11 * DAY, 0];
    const endsAt = performance.now() + JUMPING_MS;
    for (let round = 0; performance.now() < endsAt; round++) {
      await jump(jumps[round % jumps.length]!);
      const nextAt = performance.now() + JUMP_EVERY_MS;
      while (performance.now() < nextAt) {
        const body = `update ${updates.length}`;
        await published(hub, topic, body);
        updates.push(body);
        await pause(50);
      }
    }
    await jump(0);
    await until('the last is delivered', () => well.texts.includes(updates.at(-1)!), MINUTE);
    const attempts = (): number => updates.length + Math.ceil(answers / 10);
    await until('each failure was tried once more', () => flaky.texts.length >= attempts(), MINUTE);
    expect(well.texts).toEqual(updates);
    expect([...new Set(flaky.texts)]).toEqual(updates);
    // Nothing else was repeated.
    expect(flaky.texts.length).toBe(attempts());
    expect(hub.output).toMatch(/"msg":"clock-jumped"/);
  },
  2 * MINUTE + 2 * JUMPING_MS,
);

async function hubWithClock(flags: readonly string[]): Promise<ClockedProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-clock-'));
  folders.push(folder);
  const file = join(folder, 'ahead');
  const jump = async (aheadMs: number): Promise<void> => {
    await writeFile(`${file}.new`, String(aheadMs));
    await rename(`${file}.new`, file);
  };
  await jump(0);
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`, JUMPING_CLOCK_FILE: file };
  return { hub: await world.startHub({ flags, env }), jump };
}
