import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { testSubscriber } from '@websub/subscriber/testing';
import { Issues, type Archive, type IssueOpened } from './issues.js';

const OPENED = { headers: { 'X-Event': 'issueOpened' } };

/** The subscriber, a hub and a clock, all in this process: no socket is opened, nothing sleeps. */
async function subscriber(archive: Partial<Archive> = {}) {
  const saved: IssueOpened[] = [];
  const list: Archive = {
    save: (issue) => {
      saved.push(issue);
      return Promise.resolve();
    },
    ...archive,
  };
  return { saved, tested: await testSubscriber(Issues, { args: [list] }) };
}

test('an opened issue is saved', async () => {
  const { tested, saved } = await subscriber();
  await using _ = tested;
  const { status, handler, matchedBy } = await tested.notify({ id: 1, title: 'It is slow' }, OPENED);
  deepStrictEqual([status, handler, matchedBy], [202, 'onOpened', 'header']);
  deepStrictEqual(
    saved.map(({ title }) => title),
    ['It is slow'],
  );
});

test('the hub is asked to come again while the archive is down', async () => {
  const { tested } = await subscriber({ save: () => Promise.reject(new Error('disk full')) });
  await using _ = tested;
  const { status } = await tested.notify({ id: 1, title: 'It is slow' }, OPENED);
  strictEqual(status, 503);
});

test('nothing is saved without a right signature', async () => {
  const { tested, saved } = await subscriber();
  await using _ = tested;
  strictEqual((await tested.notify({ id: 1 }, { ...OPENED, sign: 'missing' })).status, 403);
  strictEqual((await tested.notify({ id: 1 }, { ...OPENED, sign: 'invalid' })).status, 403);
  deepStrictEqual(saved, []);
});

test('the hub is confirmed what was asked for, and nothing else', async () => {
  const { tested } = await subscriber();
  await using _ = tested;
  strictEqual((await tested.verify()).status, 200);
  strictEqual((await tested.verify({ topic: 'https://tracker.example/other' })).status, 404);
  strictEqual((await tested.verify({ mode: 'unsubscribe' })).status, 404);
});

test('the lease is renewed for as long as the subscriber lives', async () => {
  const { tested } = await subscriber();
  await using _ = tested;
  await tested.verify({ leaseSeconds: 86_400 });
  await tested.advance(30 * 86_400_000);
  deepStrictEqual(
    tested.subscriptions.map(({ state }) => state),
    ['active'],
  );
  strictEqual((await tested.notify({ id: 1, title: 'Still there' }, OPENED)).status, 202);
});
