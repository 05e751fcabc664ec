import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import { loadSqlite, type Database } from '../../packages/hub/dist/store/sqlite/sqlite-driver.js';
import { temporaryFolder, type Store } from './opener.js';

const storeUrl = new URL('../../packages/hub/dist/store/sqlite/sqlite-store.js', import.meta.url).href;
const START = 0 as ReturnType<Store['log']['head']>;

async function open(folder: string): Promise<Store> {
  const store = await openSqliteStore({ folder });
  onTestFinished(() => store.close());
  return store;
}

async function gather<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

async function openFile(folder: string): Promise<Database> {
  const database = (await loadSqlite())(join(folder, 'hub.sqlite'));
  onTestFinished(() => database.close());
  return database;
}

function publish(store: Pick<Store, 'log'>, text: string) {
  const content = { body: new TextEncoder().encode(text), contentType: 'text/plain' };
  return store.log.append([
    { topic: 't', id: text, idempotent: false, content, headers: { 'x-a': 'b' }, publishedAt: 0 },
  ]);
}

describe('the data folder', () => {
  it('is worked on by one hub only', async () => {
    const folder = await temporaryFolder();
    const first = await open(folder);
    await expect(openSqliteStore({ folder })).rejects.toMatchObject({ code: 'store_in_use' });
    const other = `import { openSqliteStore } from ${JSON.stringify(storeUrl)};
      await openSqliteStore({ folder: ${JSON.stringify(folder)} }).catch((error) => console.log(error.code));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', other]);
    expect(stdout).toBe('store_in_use\n');
    await first.close();
    await open(folder);
  });

  it.runIf(process.platform === 'linux')('is refused where the system lets nobody make one', async () => {
    await expect(openSqliteStore({ folder: '/proc/websub/data' })).rejects.toMatchObject({
      code: 'store_failed',
    });
  });

  it('is free again when the hub on it was killed', async () => {
    const folder = await temporaryFolder();
    const holder = `import { openSqliteStore } from ${JSON.stringify(storeUrl)};
      await openSqliteStore({ folder: ${JSON.stringify(folder)} }); console.log('open');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', holder]);
    await once(child.stdout, 'data');
    await expect(openSqliteStore({ folder })).rejects.toMatchObject({ code: 'store_in_use' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await open(folder);
  });

  it('LAW 12: keeps of topics that went those of which retention removed something, and no others', async () => {
    const folder = await temporaryFolder();
    const { log, registry } = await open(folder);
    const record = { version: 1, registered: false, fetch: null, validators: null };
    const subscription = { callback: 'c', version: 1, lease: null, pending: null };
    const urls = async () =>
      (await openFile(folder))
        .prepare('SELECT url FROM topic ORDER BY url')
        .all()
        .map((row) => (row as { url: string }).url);
    for (const url of ['quiet', 'shared', 't']) await registry.saveTopic({ ...record, url });
    for (const topic of ['shared', 'stranger'])
      await registry.saveSubscription({ ...subscription, id: topic, topic });
    await publish({ log }, 'a');
    await log.trim({ ageMs: Infinity, count: 0, bytes: Infinity }, 0);
    for (const url of ['quiet', 'shared', 't'])
      expect(await registry.removeTopic({ ...record, url })).toBe(true);
    expect(await urls()).toEqual(['shared', 'stranger', 't']);
    for (const topic of ['shared', 'stranger'])
      await registry.removeSubscription({ ...subscription, id: topic, topic });
    expect(await urls()).toEqual(['t']);
    expect(await log.read(['t', 'quiet'], START, { entries: 1, bytes: 1 })).toMatchObject({ kind: 'gap' });
    await registry.saveTopic({ ...record, url: 'quiet' });
    expect(await log.read(['quiet'], START, { entries: 1, bytes: 1 })).toEqual({ kind: 'caught-up' });
  });

  it('is read by other programs while the hub runs', async () => {
    const folder = await temporaryFolder();
    const store = await open(folder);
    await publish(store, 'a');
    const tool = await openFile(folder);
    expect(tool.prepare('SELECT id FROM entry').all()).toEqual([expect.objectContaining({ id: 'a' })]);
    await publish(store, 'b');
  });

  it.skipIf(process.platform === 'win32')('is closed to others: it holds secrets', async () => {
    const folder = join(await temporaryFolder(), 'deep', 'data');
    await open(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('that lies in a file is refused as a wrong option', async () => {
    const file = fileURLToPath(import.meta.url);
    await expect(openSqliteStore({ folder: join(file, 'data') })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: `names ${file}, which is a file: name a folder, which is made when it is missing`,
    });
  });
});

describe('a damaged database', () => {
  it.each([
    ['body', `UPDATE entry SET body = CAST('z' AS BLOB) WHERE id = 'b'`],
    ['header', `UPDATE entry SET headers = '{"x-a":"c"}' WHERE id = 'b'`],
    ['topic', `UPDATE topic SET url = 't2'; INSERT INTO topic (url) VALUES ('t')`],
  ])('gives no content for an entry with another %s than was published', async (what, damage) => {
    const folder = await temporaryFolder();
    const store = await open(folder);
    for (const text of ['a', 'b', 'c']) await publish(store, text);
    (await openFile(folder)).exec(damage);
    const read = await store.log.read([what === 'topic' ? 't2' : 't'], START, {
      entries: 9,
      bytes: Infinity,
    });
    const entries = read.kind === 'entries' ? read.entries : [];
    const damaged = entries.filter(({ corrupt }) => corrupt);
    expect(damaged.map(({ id }) => id)).toEqual(what === 'topic' ? ['a', 'b', 'c'] : ['b']);
    for (const { content, headers } of damaged) expect([content.body.byteLength, headers]).toEqual([0, {}]);
    expect(
      entries.filter(({ corrupt }) => !corrupt).every(({ content }) => content.body.byteLength === 1),
    ).toBe(true);
  });
});

describe('a row that is not as it was written', () => {
  const damages = [
    ['a callback', 'subscription', `UPDATE subscription SET callback = callback || 'x' WHERE id = 'b'`],
    [
      'a lease',
      'subscription',
      `UPDATE subscription SET lease = replace(lease, '600', '601') WHERE id = 'b'`,
    ],
    ['a lease that is no JSON', 'subscription', `UPDATE subscription SET lease = '{' WHERE id = 'b'`],
    ['a line break', 'subscription', `UPDATE subscription SET lease = char(10) WHERE id = 'b'`],
    ['a topic that is gone', 'subscription', `UPDATE subscription SET topic = 99 WHERE id = 'b'`],
    ['a topic record', 'topic_record', `UPDATE topic_record SET record = '{"x' WHERE url = 'b'`],
    [
      'a key',
      'credential',
      `UPDATE credential SET record = replace(record, 'reader', 'admin') WHERE id = 'b'`,
    ],
    ['a revocation', 'revocation', `UPDATE revocation SET at = 2 WHERE value = 'b'`],
    ['a place', 'place', `UPDATE place SET position = 2 WHERE subscription = 'b'`],
    [
      'what lies beyond a place',
      'place',
      `UPDATE place SET beyond = replace(beyond, '9', '8') WHERE subscription = 'b'`,
    ],
    [
      'the place of a consumer',
      'consumer',
      `UPDATE consumer SET place = replace(place, '7', '8') WHERE id = 'b'`,
    ],
  ] as const;

  it.each(damages)(
    '(%s) is put aside and told of, and the others are loaded',
    async (_what, source, damage) => {
      const folder = await temporaryFolder();
      const store = await open(folder);
      for (const id of ['a', 'b', 'c']) {
        await store.registry.saveSubscription(subscriptionOf(id));
        await store.registry.saveTopic(topicOf(id));
        await store.credentials.addCredential(credentialOf(id));
        await store.credentials.addRevocation({ kind: 'token', value: id, at: 1 });
      }
      await store.places.save(['a', 'b', 'c'].map(placeOf));
      await store.consumers.save(['a', 'b', 'c'].map(consumerOf));
      await store.close();
      const database = await openFile(folder);
      database.exec(`PRAGMA foreign_keys = OFF; ${damage}`);
      const told: unknown[] = [];
      const again = await openSqliteStore({ folder, onQuarantine: (row) => told.push(row) });
      onTestFinished(() => again.close());
      const loaded = {
        topic_record: (await gather(again.registry.loadTopics())).map(({ url }) => url),
        subscription: (await gather(again.registry.loadSubscriptions())).map(({ id }) => id),
        place: (await gather(again.places.load())).map(({ subscription }) => subscription),
        credential: (await gather(again.credentials.loadCredentials())).map(({ id }) => id),
        revocation: (await gather(again.credentials.loadRevocations())).map(({ value }) => value),
        consumer: (await gather(again.consumers.load())).map(({ id }) => id),
      };
      const all = ['a', 'b', 'c'];
      const whole = {
        topic_record: all,
        subscription: all,
        place: all,
        credential: all,
        revocation: all,
        consumer: all,
      };
      expect(loaded).toEqual({ ...whole, [source]: ['a', 'c'] });
      const key = source === 'revocation' ? 'token b' : 'b';
      expect(told).toEqual([{ source, key }]);
      expect(database.prepare('SELECT source, key FROM quarantine').all()).toEqual([
        expect.objectContaining({ source, key }),
      ]);
      expect(database.prepare(`SELECT count(*) AS rows FROM ${source}`).get()).toMatchObject({ rows: 2 });
    },
  );

  function subscriptionOf(id: string): Parameters<Store['registry']['saveSubscription']>[0] {
    const lease = { secret: null, seconds: 600, endsAt: 1_600_000, since: START };
    return {
      id,
      topic: 't',
      callback: `https://subscriber.example/"${id}\\ü`,
      version: 1,
      lease,
      pending: null,
    };
  }

  function consumerOf(id: string): Parameters<Store['consumers']['save']>[0][number] {
    return {
      id,
      owner: { tenant: null, holder: 'admin' },
      name: id,
      topics: [],
      patterns: [],
      createdAt: 1,
      usedAt: 1,
      position: 7 as typeof START,
      beganAt: START,
      open: [],
    };
  }

  function credentialOf(id: string): Parameters<Store['credentials']['addCredential']>[0] {
    return {
      id,
      role: 'reader',
      tenant: null,
      name: null,
      publish: [],
      read: ['*'],
      digest: id,
      createdAt: 1,
      expiresAt: null,
    };
  }

  function topicOf(url: string): Parameters<Store['registry']['saveTopic']>[0] {
    return { url, version: 1, registered: true, fetch: null, validators: null };
  }

  function placeOf(subscription: string): Parameters<Store['places']['save']>[0][number] {
    const entry = { position: 5 as typeof START, after: START, attempts: 1, dueAt: 0.5 };
    const beyond = { reach: 9 as typeof START, open: [entry] };
    return { subscription, position: START, attempts: 1, dueAt: 0.5, failure: null, beyond };
  }
});

describe('a closed store', () => {
  it('finishes what was asked for before, and refuses what comes after', async () => {
    const folder = await temporaryFolder();
    const store = await open(folder);
    const before = Array.from({ length: 50 }, (_, index) => publish(store, `entry-${index}`));
    const closing = store.close();
    const after = publish(store, 'late');
    await expect(after).rejects.toMatchObject({ code: 'stopped' });
    expect(await Promise.all(before)).toHaveLength(50);
    await closing;
    await store.close();
    expect((await open(folder)).log.head()).toBe(50);
  });
});

const LARGE = 5 * 1024 * 1024;

describe('a store that is slower than its callers', () => {
  it.each([
    ['bodies', new Uint8Array(LARGE), ''],
    ['headers', new Uint8Array(), 'x'.repeat(LARGE)],
  ])(
    'LAW 8: refuses more %s than it may hold, and takes work again when that is done',
    async (_of, body, header) => {
      const store = await open(':memory:');
      const content = { body, contentType: 'a/b' };
      const large = () =>
        store.log.append([
          { topic: 't', id: 'x', idempotent: false, content, headers: { 'x-a': header }, publishedAt: 0 },
        ]);
      const answers = await Promise.allSettled(Array.from({ length: 30 }, large));
      const refused = answers.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(5);
      for (const { reason } of refused as PromiseRejectedResult[])
        expect(reason).toMatchObject({ code: 'store_full' });
      expect(await large()).toHaveLength(1);
    },
  );

  it('is asked for a long list without keeping publishers waiting', async () => {
    const store = await open(':memory:');
    const places = Array.from({ length: 50_000 }, (_, index) => ({
      subscription: `s${index}`,
      position: START,
      attempts: 0,
      dueAt: 0,
      failure: null,
      beyond: null,
    }));
    await store.places.save(places);
    const order: string[] = [];
    const loading = (async () => {
      for await (const _ of store.places.load()) order.push('batch');
    })();
    await publish(store, 'a').then(() => order.push('published'));
    await loading;
    expect(order.indexOf('published')).toBeLessThan(3);
  });
});
