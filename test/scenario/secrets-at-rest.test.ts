import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runHub, type HubOptions } from '../support/hub-process.js';
import { inState, published, subscribed, type HubAddress } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();
const SECRET = 'a-secret-that-was-planted';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-at-rest-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const newKey = (): string => randomBytes(32).toString('base64');

/** A hub in `data` whose secrets are encrypted with the first of the keys. */
function withKeys(data: string, ...keys: readonly string[]): HubOptions {
  return { data, env: { WEBSUB_SECRET_KEY: keys.join() } };
}

async function everythingIn(folder: string): Promise<Buffer> {
  const names = await readdir(folder);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))));
}

it('secrets are encrypted at rest, and open with the keys that follow when the first is a new one', async () => {
  const data = await temporaryFolder();
  const [first, second] = [newKey(), newKey()];
  const topic = world.topic().url;
  const callback = world.callback();
  const signedRightly = async (hub: HubAddress, update: string): Promise<void> => {
    await published(hub, topic, update);
    await until(`${update} is delivered`, () => callback.texts.includes(update));
    const signature = `sha256=${createHmac('sha256', SECRET).update(update).digest('hex')}`;
    expect(callback.deliveries.at(-1)?.headers['x-hub-signature']).toBe(signature);
  };

  const before = await world.embedHub(withKeys(data, first));
  await subscribed(before, callback, topic, { 'hub.secret': SECRET });
  await inState(before, callback, 'active');
  await signedRightly(before, 'with the first key');
  expect((await everythingIn(data)).includes(SECRET)).toBe(false);
  await before.stop();

  const rotating = await world.startHub(withKeys(data, second, first));
  await until('nothing needs the first key', () => rotating.output.includes('secrets-resealed'));
  await signedRightly(rotating, 'with both keys');
  await rotating.kill();

  const after = await world.embedHub(withKeys(data, second));
  await signedRightly(after, 'with the second key');
  expect((await everythingIn(data)).includes(SECRET)).toBe(false);
  await after.stop();
});

it('without the key of its secrets a hub does not start, says which it needs, and leaves no other in its place', async () => {
  const data = await temporaryFolder();
  const hub = await world.embedHub(withKeys(data, newKey()));
  const callback = world.callback();
  await subscribed(hub, callback, world.topic().url, { 'hub.secret': SECRET });
  await inState(hub, callback, 'active');
  await hub.stop();
  for (const env of [{}, { WEBSUB_SECRET_KEY: newKey() }]) {
    const ended = await runHub(['start', '--port', '0', '--data', data], { env });
    expect(ended.status).toBe(78);
    expect(ended.stderr).toMatch(
      /encrypted with the key [0-9a-f]{8}, which is not given: start with that key/,
    );
  }
  expect(await readdir(data)).not.toContain('secret.key');
});

it('a hub without a key makes one, and keeps it and all of its data from other users', async () => {
  const data = await temporaryFolder();
  const hub = await world.startHub({ dev: false, data });
  expect(hub.output).toMatch(/"msg":"secrets-exposed"/);
  const names = await readdir(data);
  expect(names).toEqual(expect.arrayContaining(['hub.sqlite', 'secret.key']));
  for (const name of names) expect([name, (await stat(join(data, name))).mode & 0o077]).toEqual([name, 0]);
});
