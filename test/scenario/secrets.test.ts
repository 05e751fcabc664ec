import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Callback } from '../support/callbacks.js';
import { runHub, type HubProcess } from '../support/hub-process.js';
import { inState, published, subscribe, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const OLD = randomBytes(32).toString('base64');
const NEW = randomBytes(32).toString('base64');
const SECRET = 'planted-secret-of-a-subscriber';

// Each starts several processes, on a machine that others may load.
describe('secrets at rest', { timeout: 60_000 }, () => {
  it('are not to be found in the data folder, those of pending requests neither', async () => {
    const { hub, callback } = await hubWithSubscriber({ WEBSUB_SECRET_KEY: OLD });
    const server = await world.callbackServer();
    const pending = server.callback();
    pending.onIntent = () => 'hang';
    await subscribe(hub, pending.url, world.topic().url, { 'hub.secret': SECRET });
    await arrived('verifications', pending.intents, 1);
    expect(await holding(hub.data, callback.url)).not.toEqual([]);
    expect(await holding(hub.data, SECRET)).toEqual([]);
    await hub.kill();
    expect(await holding(hub.data, SECRET)).toEqual([]);
  });

  it('sign deliveries as before after a restart with a new first key, and then without the old one', async () => {
    const { hub, callback, topic } = await hubWithSubscriber({ WEBSUB_SECRET_KEY: OLD });
    await hub.terminate();
    const rotating = await world.startHub({ data: hub.data, env: { WEBSUB_SECRET_KEY: `${NEW},${OLD}` } });
    await until('they are encrypted with the new key', () => rotating.output.includes('secrets-resealed'));
    await isSigned(rotating, topic, callback);
    await rotating.terminate();
    const rotated = await world.startHub({ data: hub.data, env: { WEBSUB_SECRET_KEY: NEW } });
    await isSigned(rotated, topic, callback);
  });

  it('that no key opens end the start with a line that names the key, and nothing is sent', async () => {
    const { hub, callback } = await hubWithSubscriber({ WEBSUB_SECRET_KEY: OLD });
    await hub.terminate();
    const before = callback.deliveries.length;
    const ended = await runHub(['start', '--dev', '--port', '0', '--data', hub.data, '--secret-key', NEW]);
    expect(ended.status).toBe(78);
    expect(ended.stderr).toMatch(
      /^websub-hub: .*encrypted with the key [0-9a-f]{8}, which is not given: start with that key too.*\n$/,
    );
    expect(callback.deliveries.length).toBe(before);
  });

  it('come from a file with several keys', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'keys');
    await writeFile(file, `# the new one\n${NEW}\n\n${OLD}\n`);
    const { hub, callback, topic } = await hubWithSubscriber({ WEBSUB_SECRET_KEY: OLD });
    await hub.terminate();
    const again = await world.startHub({ data: hub.data, flags: ['--secret-key-file', file] });
    await isSigned(again, topic, callback);
  });

  it.each([
    ['a short key', ['--secret-key', 'short'], /--secret-key .*fewer than 32 characters.*openssl rand/],
    [
      'a file that is not there',
      ['--secret-key-file', '/nowhere/keys'],
      /--secret-key-file has keys that cannot be read: \/nowhere\/keys/,
    ],
  ])('%s ends the start with a line that tells the cure', async (_what, flags, line) => {
    const data = await temporaryFolder();
    const ended = await runHub(['start', '--dev', '--port', '0', '--data', data, ...flags]);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(line);
  });

  it('have a key of their own in the data folder when none is given, with a warning, and move to the one given', async () => {
    const data = await temporaryFolder();
    const hub = await world.startHub({ data, dev: false });
    expect(hub.output).toMatch(/"level":"warn".*secret\.key.*--secret-key-file/);
    expect((await stat(join(data, 'secret.key'))).mode & 0o777).toBe(0o600);
    await hub.terminate();
    const { callback, topic, hub: again } = await hubWithSubscriber({}, data);
    expect(await holding(data, SECRET)).toEqual([]);
    await again.terminate();
    const moved = await world.startHub({ data, env: { WEBSUB_SECRET_KEY: NEW } });
    await until('they are encrypted with the key given', () => moved.output.includes('secrets-resealed'));
    expect(moved.output).not.toContain('secrets-exposed');
    await moved.terminate();
    await rm(join(data, 'secret.key'));
    await isSigned(await world.startHub({ data, env: { WEBSUB_SECRET_KEY: NEW } }), topic, callback);
  });

  it('need no key with --dev, which warns, and are encrypted once there is one', async () => {
    const { hub, callback, topic } = await hubWithSubscriber({});
    expect(hub.output).toMatch(/"level":"warn".*unencrypted.*--secret-key-file/);
    await isSigned(hub, topic, callback);
    await hub.terminate();
    const again = await world.startHub({ data: hub.data, env: { WEBSUB_SECRET_KEY: NEW } });
    await until('they are encrypted', () => again.output.includes('secrets-resealed'));
    await isSigned(again, topic, callback);
  });
});

async function hubWithSubscriber(
  env: Readonly<Record<string, string>>,
  folder?: string,
): Promise<{ hub: HubProcess; callback: Callback; topic: string }> {
  const data = folder ?? (await temporaryFolder());
  const hub = await world.startHub({ data, env });
  const callback = world.callback();
  const topic = world.topic().url;
  await subscribed(hub, callback, topic, { 'hub.secret': SECRET });
  await inState(hub, callback, 'active');
  return { hub, callback, topic };
}

async function isSigned(hub: HubProcess, topic: string, callback: Callback): Promise<void> {
  const body = `an update ${randomBytes(4).toString('hex')}`;
  await published(hub, topic, body);
  await until('it is delivered', () => callback.texts.includes(body));
  const delivery = callback.deliveries.find(({ text }) => text === body);
  expect(delivery?.headers['x-hub-signature']).toBe(
    `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
  );
}

/** The files of a folder that hold the text. */
async function holding(folder: string, text: string): Promise<string[]> {
  const files = await readdir(folder);
  const contents = await Promise.all(files.map((file) => readFile(join(folder, file))));
  return files.filter((_file, index) => contents[index]?.includes(text));
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-secrets-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
