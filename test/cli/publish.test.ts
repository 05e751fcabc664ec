import { describe, expect, it, vi } from 'vitest';
import { until } from '../support/until.js';
import { websub } from '../support/websub-process.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();

const KEY = 'k3y-of-more-than-16-characters';

// Each test is a process or two, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

describe('websub publish', () => {
  it('asks the topic for its hub, and has it fetch what changed', async () => {
    const topic = world.topic();
    const subscriber = await world.subscriber(topic.url);
    topic.body = 'changed';
    const { status, stdout } = await websub(['publish', topic.url]);
    expect([status, stdout]).toEqual([0, `${world.hub.url} was told that ${topic.url} changed\n`]);
    await until('it was delivered', () => subscriber.texts.includes('changed'));
  });

  it('publishes content with its headers, id and type', async () => {
    const topic = 'https://api.example.com/issues';
    const subscriber = await world.subscriber(topic);
    const args = ['publish', topic, '--hub', world.hub.url, '--content', '{"a":1}', '--id', 'one', '--json'];
    const more = ['--content-type', 'application/json', '-H', 'X-Event: issueOpened', '--type', 'issues'];
    const first = JSON.parse((await websub([...args, ...more])).stdout) as { cursor: string };
    expect(first).toEqual({
      hub: world.hub.url,
      topic,
      published: 'content',
      cursor: expect.any(String) as string,
    });
    const again = JSON.parse((await websub([...args, ...more])).stdout) as { cursor: string };
    expect(again.cursor).toBe(first.cursor);
    await until('it was delivered', () => subscriber.texts.includes('{"a":1}'));
    expect(subscriber.deliveries[0]?.headers).toMatchObject({
      'x-event': 'issueOpened',
      'content-type': 'application/json',
    });
  });

  it('publishes standard input', async () => {
    const topic = 'https://api.example.com/commits';
    const subscriber = await world.subscriber(topic);
    const { status, stdout } = await websub(['publish', topic, '--hub', world.hub.url, '--file', '-'], {
      stdin: 'größer\n',
    });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/ has the content of .*, cursor \S+\n$/)]);
    await until('it was delivered', () => subscriber.texts.includes('größer\n'));
  });

  it('gives the credential that a hub wants', async () => {
    const hub = await world.embedHub({ dev: false, env: { WEBSUB_ADMIN_KEY: KEY } });
    const args = ['publish', 'https://api.example.com/x', '--hub', hub.url, '--content', 'x'];
    const refused = await websub(args);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(
      /^websub: the hub .* answered 40[13] .*give --credential, a key that may publish\n$/,
    );
    expect((await websub(args, { env: { WEBSUB_CREDENTIAL: KEY } })).status).toBe(0);
  });

  it.each([
    [
      'content twice',
      ['https://a.example/', '--content', 'x', '--file', 'y'],
      2,
      "'--file <path>' cannot be used with",
    ],
    [
      'an id without content',
      ['https://a.example/', '--id', 'x'],
      2,
      '--id belongs to content: give --content or --file',
    ],
    ['a file that is not there', ['https://a.example/', '--file', '/none/x'], 2, '--file cannot be read'],
    [
      'a hub that is not there',
      ['https://a.example/', '--hub', 'http://127.0.0.1:9/'],
      1,
      'Check that it is running',
    ],
    ['a hub that is no URL', ['https://a.example/', '--hub', 'x'], 2, 'hub is not a URL'],
  ])('tells the cure for %s', async (_, args, status, cure) => {
    const ended = await websub(['publish', ...args]);
    expect(ended).toMatchObject({ status, stdout: '' });
    expect(ended.stderr).toContain(cure);
  });

  it('names the command that shows why a page has no hub', async () => {
    const topic = world.topic();
    topic.onRequest = () => ({ status: 200, body: 'no links' });
    const { status, stderr } = await websub(['publish', topic.url]);
    expect([status, stderr]).toEqual([
      1,
      `websub: ${topic.url} names no hub: name one with --hub, or see websub discover ${topic.url}\n`,
    ]);
  });
});
