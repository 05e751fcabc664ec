import { describe, expect, it, vi } from 'vitest';
import { FakeHub } from '@websub/subscriber/testing';
import { freePort } from '../support/free-port.js';
import { page, published } from '../support/requests.js';
import { until } from '../support/until.js';
import { websub, WebsubProcess, type WebsubOptions } from '../support/websub-process.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();

/** `websub listen`, once it has subscribed. */
async function listening(args: readonly string[], options?: WebsubOptions): Promise<WebsubProcess> {
  const process = new WebsubProcess(['listen', ...args], options);
  const subscribed = (): boolean => {
    if (process.child.exitCode !== null) throw new Error(`it ended: ${process.stderr}`);
    return process.stderr.includes('subscribed to');
  };
  await until('it has subscribed', subscribed, 50_000);
  return process;
}

/** Settles when the hub has written down that so many are subscribed: it does so after it was answered. */
function activeAt(topic: string, count: number): Promise<unknown> {
  return until(`${count} subscriptions are active`, async () => {
    const { items } = await page(world.hub, '/v1/subscriptions', { topic, state: 'active' });
    return items.length === count;
  });
}

/** A module that sends the process a Ctrl-C the moment it speaks of another one. */
const INTERRUPTED_AT_ONCE = `data:text/javascript,${encodeURIComponent(`
  const { write } = process.stderr;
  process.stderr.write = function (text, ...others) {
    const written = write.call(this, text, ...others);
    if (text.includes('Ctrl-C again')) process.kill(process.pid, 'SIGINT');
    return written;
  };
`)}`;

// Each test is a process or two, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

describe('websub listen', () => {
  it('prints what the hub delivers as it comes, and unsubscribes at Ctrl-C', async () => {
    const topic = world.topic();
    const process = await listening([topic.url]);
    await activeAt(topic.url, 1);
    await published(world.hub, topic.url, 'first\n\u001b[31mred');
    await until('it was printed', () => process.stdout.includes('red'));
    expect(process.stdout).toMatch(
      new RegExp(
        `^--- ${topic.url}: text/plain[^,]*, 14 bytes, verified, id \\S+\nfirst\n\ufffd\\[31mred\n\n$`,
      ),
    );
    process.child.kill('SIGINT');
    const { status, stderr } = await process.ended;
    expect(status).toBe(0);
    expect(stderr.trim().split('\n')).toEqual([
      `subscribed to ${topic.url} at ${world.hub.url}; Ctrl-C unsubscribes`,
      'unsubscribing; Ctrl-C again leaves at once',
      'unsubscribed',
    ]);
    await activeAt(topic.url, 0);
  });

  it('prints one line of JSON for each notification, and ends after --count', async () => {
    const topic = world.topic();
    const process = await listening([topic.url, '--json', '--count', '2']);
    await activeAt(topic.url, 1);
    await published(world.hub, topic.url, '{"a":1}', {
      contentType: 'application/json',
      headers: { 'x-event': 'e' },
    });
    await published(world.hub, topic.url, Buffer.from([0xff, 0x00]), { contentType: 'image/png' });
    const { status, stdout } = await process.ended;
    expect(status).toBe(0);
    const [text, bytes, ...others] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(text).toMatchObject({
      topic: topic.url,
      hub: world.hub.url,
      contentType: 'application/json',
      signature: 'verified',
      attempt: 1,
      headers: { 'x-event': 'e' },
      body: '{"a":1}',
    });
    expect(bytes).toMatchObject({ contentType: 'image/png', bodyBase64: '/wA=' });
    expect(others).toEqual([]);
    await activeAt(topic.url, 0);
  });

  it('subscribes to a topic at the hub that it is given, with the secret and lease that it is given', async () => {
    await using hub = await FakeHub.start();
    const port = await freePort();
    const process = await listening([
      'https://api.example.com/issues',
      '--hub',
      hub.url,
      '--secret',
      's3cret',
      '--lease',
      '600',
      '--public-url',
      `http://127.0.0.1:${port}/inbox`,
      '--host',
      '127.0.0.1',
    ]);
    expect(hub.subscription).toMatchObject({
      topic: 'https://api.example.com/issues',
      secret: 's3cret',
      leaseSeconds: 600,
    });
    expect(hub.subscription.callback.startsWith(`http://127.0.0.1:${port}/inbox/`)).toBe(true);
    process.child.kill('SIGTERM');
    expect((await process.ended).status).toBe(0);
    expect(hub.subscriptions.size).toBe(0);
  });

  it('drops what is not signed, and says which flag takes it', async () => {
    await using hub = await FakeHub.start();
    const topic = 'https://api.example.com/issues';
    const strict = await listening([topic, '--hub', hub.url]);
    expect((await hub.deliver(hub.subscription, '{}', { signature: 'none' })).status).toBe(403);
    await until('it says so', () => strict.stderr.includes('A hub that never signs needs --no-secret'));
    strict.child.kill('SIGTERM');
    expect(await strict.ended).toMatchObject({ status: 0, stdout: '' });

    const open = await listening([topic, '--hub', hub.url, '--no-secret', '--count', '1']);
    expect(hub.subscription.secret).toBeUndefined();
    await hub.deliver(hub.subscription, '{}');
    expect((await open.ended).stdout).toContain('2 bytes, unsigned');
  });

  it('unsubscribes when nobody reads its output any more', async () => {
    const topic = world.topic();
    const process = await listening([topic.url, '--json']);
    await activeAt(topic.url, 1);
    process.child.stdout?.destroy();
    await until('it noticed', async () => {
      await published(world.hub, topic.url, `line ${Math.random()}`);
      return process.child.exitCode !== null;
    });
    expect((await process.ended).status).toBe(0);
    await activeAt(topic.url, 0);
  });

  it('leaves at once at a second Ctrl-C, however soon that comes', async () => {
    await using hub = await FakeHub.start();
    const process = await listening(['https://api.example.com/issues', '--hub', hub.url], {
      env: { NODE_OPTIONS: `--import ${INTERRUPTED_AT_ONCE}` },
    });
    hub.reply = () => new Promise(() => undefined);
    process.child.kill('SIGINT');
    const { status, stderr } = await process.ended;
    expect(status).toBe(130);
    expect(stderr).toMatch(/unsubscribing; Ctrl-C again leaves at once\n$/);
  });

  it('ends at once at a Ctrl-C before the hub has verified, and does not say that it unsubscribed', async () => {
    await using hub = await FakeHub.start({ verify: 'never' });
    const topic = 'https://api.example.com/issues';
    const process = new WebsubProcess(['listen', topic, '--hub', hub.url, '--timeout', '600']);
    await until('it asks', () => hub.requests.length > 0);
    process.child.kill('SIGINT');
    const { status, stderr } = await process.ended;
    expect(status).toBe(0);
    expect(stderr).toBe('ended before the hub had verified the subscription: it delivers nothing\n');
    expect(hub.requests).toHaveLength(1);
  });

  it('says until when a hub delivers that did not confirm the end', async () => {
    await using hub = await FakeHub.start();
    const process = await listening(['https://api.example.com/issues', '--hub', hub.url, '--timeout', '1']);
    hub.reply = () => ({ status: 202 });
    process.child.kill('SIGINT');
    const { status, stderr } = await process.ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/websub: the hub did not confirm the end: it delivers in vain until \d{4}-/);
  });

  it('says what to check when the hub does not verify', async () => {
    await using hub = await FakeHub.start({ verify: 'never' });
    const ended = await websub([
      'listen',
      'https://api.example.com/issues',
      '--hub',
      hub.url,
      '--timeout',
      '1',
    ]);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain(
      'websub: the hub took the request, but did not verify it within 1 s: check its log',
    );
  });

  it('gives the reason of a denial', async () => {
    await using hub = await FakeHub.start({ verify: 'never' });
    const process = new WebsubProcess(['listen', 'https://api.example.com/issues', '--hub', hub.url]);
    await until('it asks', () => hub.requests.length > 0);
    await hub.deny(hub.lastRequest.callback, 'https://api.example.com/issues', 'members only');
    const { status, stderr } = await process.ended;
    expect(status).toBe(1);
    expect(stderr).toBe('websub: the hub denied the subscription: members only\n');
  });

  it.each([
    ['a hub elsewhere', ['https://blog.example.com/feed'], 2, 'give --public-url'],
    ['no port', ['https://a.example/', '--public-url', 'https://me.example/'], 2, '--port is missing'],
    [
      'no URL',
      ['https://a.example/', '--public-url', 'me.example:90'],
      2,
      '--public-url has the scheme me.example',
    ],
    ['a page that is not there', ['http://127.0.0.1:9/feed'], 1, 'Check that it is running'],
    ['a wrong port', ['http://127.0.0.1:9/feed', '--port', 'x'], 2, '0 takes a free port'],
    ['a wrong count', ['http://127.0.0.1:9/feed', '--count', '0'], 2, 'Give a whole number above 0'],
  ])('tells the cure for %s', async (_, args, status, cure) => {
    const ended = await websub(['listen', ...args]);
    expect(ended).toMatchObject({ status, stdout: '' });
    expect(ended.stderr).toContain(cure);
  });
});
