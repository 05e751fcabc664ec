import { copyFile, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { loadSqlite } from '../../packages/hub/dist/store/sqlite/sqlite-driver.js';
import { postJson } from '../support/access.js';
import { runHub } from '../support/hub-process.js';
import { inState, listAll, published, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const MINUTE = 60_000;
const PAGE_BYTES = 4_096;
/** The first byte of a page with rows. */
const TABLE_LEAF = 0x0d;

it(
  'a backup made under load holds everything acknowledged before it, is sound, and is restored by copying',
  async () => {
    const folder = await temporaryFolder();
    const { hub } = world;
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(hub, callback, topic, { 'hub.secret': 'a secret' });
    await inState(hub, callback, 'active');
    const before: string[] = [];
    let loading = true;
    const load = (async () => {
      for (let n = 0; loading; n++) {
        before.push(await published(hub, topic, `update ${n} ${'.'.repeat(2_000)}`));
        await pause(2);
      }
    })();
    await until('there is something to keep', () => before.length > 50);
    const acknowledged = [...before];
    const to = join(folder, 'backup.sqlite');
    const made = await runHub(['backup', '--data', hub.data, '--to', to], { timeoutMs: MINUTE });
    loading = false;
    await load;
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout).toMatch(/backup\.sqlite: \d+ updates, 1 subscriptions, sound\n/);
    expect((await stat(to)).mode & 0o777).toBe(0o600);
    await until('what was published is delivered', () => callback.deliveries.length >= before.length);

    const data = join(folder, 'data');
    await mkdir(data);
    await copyFile(to, join(data, 'hub.sqlite'));
    const seen = callback.deliveries.length;
    const restored = await world.embedHub({ data });
    const cursor = await published(restored, topic, 'after the restore');
    // The same log goes on: cursors keep their meaning.
    expect(cursor.split('.')[0]).toBe(acknowledged[0]?.split('.')[0]);
    expect(Number(cursor.split('.')[1])).toBeGreaterThan(Number(acknowledged.at(-1)?.split('.')[1]));
    await until('it is delivered', () => callback.texts.includes('after the restore'));
    const [first] = (await arrived('deliveries', callback.deliveries.slice(seen), 1)) ?? [];
    expect(first?.headers['x-hub-signature']).toMatch(/^sha256=/);
    expect(await listAll(restored, '/v1/subscriptions', { topic })).toHaveLength(1);
    await restored.stop();
  },
  MINUTE,
);

it(
  'check names each damaged row with status 1, also while the hub works, and the start puts them aside',
  async () => {
    const { hub } = world;
    const topic = world.topic().url;
    const [well, damaged] = [world.callback(), world.callback()];
    for (const callback of [well, damaged]) {
      await subscribed(hub, callback, topic);
      await inState(hub, callback, 'active');
    }
    await published(hub, topic, 'an update with a body');
    await postJson(hub, '/v1/revocations', { sub: 'mallory-of-this-test' }, {});
    const subscriptions = (await listAll(hub, '/v1/subscriptions')).length;
    const sound = await runHub(['check', '--data', hub.data]);
    expect(sound.stdout).toMatch(
      new RegExp(`: [1-9]\\d* updates, ${subscriptions} subscriptions, sound\\n$`),
    );
    expect(sound.status).toBe(0);
    await hub.terminate();

    const file = join(hub.data, 'hub.sqlite');
    await flipInRows(file, 'an update with a body');
    await flipInRows(file, damaged.url);
    await flipInRows(file, 'mallory-of-this-test');
    const found = await runHub(['check', '--data', hub.data]);
    expect(found.status).toBe(1);
    expect(found.stdout).toMatch(/damaged: entry \d+ \(\S+\) of http\S+ is not as it was published\n/);
    expect(found.stdout).toMatch(/damaged: subscription \S+ is not as it was written\n/);
    expect(found.stdout).toMatch(/damaged: the revocation of subject \S+ is not as it was written\n/);

    await hub.restart();
    expect(hub.output).toMatch(/row-quarantined/);
    await published(hub, topic, 'after the damage');
    await until('the others are served', () => well.texts.includes('after the damage'));
    expect(damaged.texts).not.toContain('after the damage');
    // Nothing of the damaged row is in the way of the same subscription.
    await subscribed(hub, damaged, topic);
    await inState(hub, damaged, 'active');
    await published(hub, topic, 'again');
    await until('it is served again', () => damaged.texts.includes('again'));
    const after = await runHub(['check', '--data', hub.data]);
    expect(after.stdout).toMatch(/put aside earlier: subscription \S+\n/);
  },
  MINUTE,
);

it.each([
  [
    'check without data',
    ['check', '--data', '/nowhere'],
    /^websub-hub: --data names \/nowhere, which is not there: /,
  ],
  ['a backup without data', ['backup', '--data', '/nowhere', '--to', '/tmp/x'], /^websub-hub: --data names /],
  ['a backup without a name', ['backup'], /--to.*: see websub-hub backup --help/],
])('%s ends with status 2 and the cure', async (_what, args, line) => {
  const ended = await runHub(args);
  expect(ended.status).toBe(2);
  expect(ended.stderr).toMatch(line);
});

it('check and backup name the variable that the data folder was read from', async () => {
  for (const args of [['check'], ['backup', '--to', '/tmp/x']]) {
    const ended = await runHub(args, { env: { WEBSUB_DATA: '/nowhere' } });
    expect(ended).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /^websub-hub: WEBSUB_DATA names \/nowhere, which is not there: /,
      ) as unknown,
    });
  }
});

it('check says that data cannot be reached, not that it is damaged or not there', async () => {
  const data = join(await temporaryFolder(), 'data');
  await symlink(data, data);
  const ended = await runHub(['check', '--data', data]);
  expect(ended).toMatchObject({ status: 2, stdout: '' });
  expect(ended.stderr).toMatch(
    /^websub-hub: --data names .*data, which cannot be read \(ELOOP.*\): [^\n]+\n$/,
  );
});

it('a backup overwrites nothing', async () => {
  const file = join(await temporaryFolder(), 'kept');
  await writeFile(file, 'kept');
  const ended = await runHub(['backup', '--data', world.hub.data, '--to', file]);
  expect(ended.status).toBe(2);
  expect(ended.stderr).toMatch(/--to names a file that exists/);
  expect(await readFile(file, 'utf8')).toBe('kept');
});

it('a backup that cannot be written says so', async () => {
  const to = join(await temporaryFolder(), 'nowhere', 'copy');
  const ended = await runHub(['backup', '--data', world.hub.data, '--to', to]);
  expect(ended.status).toBe(1);
  expect(ended.stderr).toMatch(/hub\.sqlite cannot be copied to .*nowhere\/copy .*see to the folder/);
});

it('a database of a newer hub is refused with status 78 and the cure, and is not changed', async () => {
  const data = await temporaryFolder();
  await (await world.embedHub({ data })).stop();
  const file = join(data, 'hub.sqlite');
  const database = (await loadSqlite())(file);
  database.exec('PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)');
  const before = await readFile(file);
  const ended = await runHub(['start', '--dev', '--port', '0', '--data', data]);
  expect(ended.status).toBe(78);
  expect(ended.stderr).toMatch(/newer hub \(schema 99, this one knows \d+\): start that version again/);
  expect(await readFile(file)).toEqual(before);
  database.close();
});

/** Flips the last bit of the text in every row of a table that has it; indexes keep it as it was. */
async function flipInRows(file: string, text: string): Promise<void> {
  const bytes = await readFile(file);
  let rows = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    if (bytes[at - (at % PAGE_BYTES)] !== TABLE_LEAF) continue;
    bytes[at + text.length - 1]! ^= 1;
    rows += 1;
  }
  if (rows === 0) throw new Error(`${text} is in no row`);
  await writeFile(file, bytes);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-maintenance-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
