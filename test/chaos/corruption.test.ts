import { createHmac } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Callback } from '../support/callbacks.js';
import { HubProcess } from '../support/hub-process.js';
import { inState, published, subscribed, type HubAddress } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';
import { randomFrom } from './load.js';

/** Damaged copies of one data folder that a hub is started on; `npm run chaos` takes many more. */
const DAMAGES = Number(process.env['DAMAGES'] ?? 3);
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const TRUNCATED = 0.2;
const SECRET = 'a secret of the callback';
const UPDATES = 15;
const LOOK_MS = 1_500;
const RETRIES = ['--retry-delays', Array.from({ length: 50 }, () => '0.2').join(',')];

const world = useSurroundings();

it(
  `a bit that flips, or a file cut short, is never delivered as content (CHAOS_SEED=${SEED}, ${DAMAGES} times)`,
  async () => {
    const random = randomFrom(SEED);
    const { data, callbacks, sent } = await populatedFolder();
    let delivered = 0;
    const seen = { refused: 0, ended: 0, quarantined: 0, letters: 0, unharmed: 0 };
    for (let round = 0; round < DAMAGES; round++) {
      const copy = await temporaryFolder();
      await cp(data, copy, { recursive: true });
      const what = await damage(copy, random);
      for (const { deliveries } of callbacks) deliveries.length = 0;
      const { status, output } = await liveOn(copy);
      for (const callback of callbacks) isIntact(callback, sent.get(callback)!, what);
      expect([what, world.callbacks.strays]).toEqual([what, []]);
      delivered += callbacks.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
      // Either it says which file is damaged, or it works on.
      const saysWhich = status === 78 && output.includes(copy);
      expect([what, output, status === undefined || saysWhich]).toEqual([what, output, true]);
      if (status !== undefined && !output.includes('listening')) seen.refused++;
      else if (status !== undefined) seen.ended++;
      else if (output.includes('row-quarantined')) seen.quarantined++;
      else if (output.includes('"reason":"corrupt"')) seen.letters++;
      else seen.unharmed++;
      await rm(copy, { recursive: true });
    }
    expect(delivered).toBeGreaterThan(0);
    console.log(
      `${DAMAGES} damages: ${seen.refused} starts refused, ${seen.ended} ended later, ${seen.quarantined} with rows put aside, ` +
        `${seen.letters} with dead letters, ${seen.unharmed} unharmed; nothing wrong among ${delivered} deliveries, seed ${SEED}`,
    );
  },
  60_000 + DAMAGES * 20_000,
);

/** A folder with updates that are still to be delivered, a part of them in the write-ahead log only. */
async function populatedFolder() {
  const data = await temporaryFolder();
  const callbacks = [world.callback(), world.callback(), world.callback()];
  const sent = new Map<Callback, Set<string>>();
  const topics = callbacks.map(() => world.topic().url);
  const publishTo = async (hub: HubAddress, part: string): Promise<void> => {
    for (const [index, callback] of callbacks.entries()) {
      for (let n = 0; n < UPDATES; n++) {
        const body = `${part} ${index}/${n} `.repeat(20 + n * 30);
        await published(hub, topics[index]!, body);
        sent.get(callback)?.add(body);
      }
    }
  };
  const first = await world.embedHub({ data, flags: RETRIES });
  for (const [index, callback] of callbacks.entries()) {
    callback.onDelivery = () => ({ status: 500 });
    await subscribed(first, callback, topics[index]!, { 'hub.secret': SECRET });
    await inState(first, callback, 'active');
    sent.set(callback, new Set());
  }
  await publishTo(first, 'first');
  // What is published by then is moved from the write-ahead log into the database.
  await first.stop();
  const hub = await world.startHub({ data, flags: RETRIES });
  await publishTo(hub, 'second');
  await hub.kill();
  for (const callback of callbacks) callback.onDelivery = () => ({ status: 204 });
  return { data, callbacks, sent };
}

/** Flips one bit somewhere, or cuts the end off. */
async function damage(folder: string, random: () => number): Promise<string> {
  const files = (await readdir(folder)).filter((name) => /\.sqlite(-wal)?$/.test(name));
  const name = files[Math.floor(random() * files.length)]!;
  const file = join(folder, name);
  const bytes = await readFile(file);
  const at = Math.floor(random() * bytes.length);
  if (random() < TRUNCATED) {
    await truncate(file, at);
    return `${name} cut at ${at}`;
  }
  const bit = Math.floor(random() * 8);
  bytes[at]! ^= 1 << bit;
  await writeFile(file, bytes);
  return `bit ${bit} of byte ${at} of ${name}`;
}

/** Runs a hub on the folder for a moment; its status when it ended by itself. */
async function liveOn(data: string): Promise<{ status?: number | string | null; output: string }> {
  let hub: HubProcess;
  try {
    hub = await HubProcess.start({ data, flags: RETRIES });
  } catch (error) {
    const output = String(error);
    return { status: Number(/status (\d+)/.exec(output)?.[1]), output };
  }
  const endsAt = performance.now() + LOOK_MS;
  await until('it has had its time', () => !hub.running || performance.now() > endsAt);
  if (!hub.running) return { status: await hub.ended(), output: hub.output };
  await hub.kill();
  return { output: hub.output };
}

function isIntact({ deliveries }: Callback, sent: ReadonlySet<string>, what: string): void {
  const wrong = deliveries.filter(
    ({ text, body, headers }) =>
      !sent.has(text) ||
      headers['x-hub-signature'] !== `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
  );
  expect([what, wrong.map(({ text }) => text)]).toEqual([what, []]);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-damage-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
