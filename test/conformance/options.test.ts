import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHub, HubEmitter } from '@websub/hub';
import { describe, expect, it } from 'vitest';
import { send } from '../support/http.js';
import { HubProcess, runHub } from '../support/hub-process.js';
import { published, subscribe, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();

// How each of the others is told is seen where they are read.
const wrong: readonly (readonly [args: readonly string[], named: RegExp])[] = [
  [['--port', 'eighty'], /port/],
  [['--port'], /port/],
  [['--nonsense'], /nonsense/],
  [['--config', '/nonexistent/websub.json'], /config/],
];

describe.concurrent('a wrong option', () => {
  it.each(wrong)('ends the hub with status 2 and one line that names it: %j', async (args, named) => {
    const { status, stderr } = await runHub(['start', '--data', ':memory:', '--port', '0', ...args]);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(named);
  });

  it('in the environment ends it the same way, naming the variable', async () => {
    const { status, stderr } = await runHub(['start', '--data', ':memory:'], {
      env: { WEBSUB_PORT: 'eighty' },
    });
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/WEBSUB_PORT/);
  });

  it('in the config file ends it the same way', async () => {
    const file = join(world.hub.data, 'unknown-key.json');
    await writeFile(file, '{"prot":1}');
    const { status, stderr } = await runHub(['start', '--data', ':memory:', '--config', file]);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/prot/);
  });

  it('that is a port somebody else has ends it the same way, and says so', async () => {
    const { port } = new URL(world.hub.url);
    const { status, stderr } = await runHub(['start', '--data', ':memory:', '--port', port]);
    expect(status).toBe(2);
    expect(stderr).toBe(`websub-hub: --port ${port} is in use: choose another one\n`);
  });

  it('that is no address of this machine ends it the same way', async () => {
    const { status, stderr } = await runHub([
      'start',
      '--data',
      ':memory:',
      '--port',
      '0',
      '--host',
      '8.8.8.8',
    ]);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^websub-hub: --host 8\.8\.8\.8 cannot be listened on .*: give an address of this machine\n$/,
    );
  });

  it('in the config file is named as it stands there, when the hub itself refuses it', async () => {
    const file = join(world.hub.data, 'large-port.json');
    await writeFile(file, '{"port":99999}');
    const { status, stderr } = await runHub(['start', '--data', ':memory:', '--config', file]);
    expect(status).toBe(2);
    expect(stderr).toBe(`websub-hub: "port" in ${file} is not a port: give a whole number from 0 to 65535\n`);
  });

  it('that is a file where a folder is wanted ends it with a line that names both', async () => {
    const file = join(world.hub.data, 'file');
    await writeFile(file, '');
    const { status, stderr } = await runHub(['start', '--port', '0', '--data', file]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `websub-hub: --data names ${file}, which is a file: name a folder, which is made when it is missing\n`,
    );
  });
});

describe('without a command', () => {
  it('the help is shown, and the status is 2', async () => {
    const { status, stdout, stderr } = await runHub([]);
    expect(status).toBe(2);
    expect(stdout + stderr).toMatch(/^Usage: websub-hub/);
    expect(stdout + stderr).not.toContain('(outputHelp)');
  });
});

describe('where an option comes from', () => {
  it('flags win over the environment, and the environment over the file', async () => {
    const file = join(world.hub.data, 'settings.json');
    const inFile = { dev: true, 'default-lease': 1_000, 'max-lease': 2_000, 'min-lease': 100 };
    await writeFile(file, JSON.stringify(inFile));
    const hub = await world.startHub({
      dev: false,
      flags: ['--config', file, '--default-lease', '1500'],
      env: { WEBSUB_DEFAULT_LEASE: '1400', WEBSUB_MAX_LEASE: '1900' },
    });
    const granted: (string | null | undefined)[] = [];
    for (const more of [{}, { 'hub.lease_seconds': 5_000 }, { 'hub.lease_seconds': 1 }]) {
      const callback = world.callback();
      await subscribed(hub, callback, world.topic().url, more);
      granted.push(callback.intents[0]?.query.get('hub.lease_seconds'));
    }
    expect(granted).toEqual(['1500', '1900', '100']);
  });

  it('WEBSUB_DEV=1 is --dev', async () => {
    const hub = await world.startHub({ dev: false, env: { WEBSUB_DEV: '1' } });
    expect((await send(new URL('/v1/stats', hub.url).href)).status).toBe(200);
  });

  it('a switch of the environment is turned off by its flag with no-', async () => {
    const hub = await world.startHub({
      dev: false,
      flags: ['--no-dev', '--no-breaker'],
      env: { WEBSUB_DEV: '1' },
    });
    expect((await send(new URL('/v1/stats', hub.url).href)).status).toBe(403);
  });
});

describe('what it says', () => {
  it('is JSON lines on standard output, of which one has "msg":"listening" and "url"', () => {
    const lines = world.hub.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const listening = lines.filter((line) => line['msg'] === 'listening');
    expect(listening).toHaveLength(1);
    expect(listening[0]?.['url']).toBe(world.hub.url);
  });

  it('holds no secret, no token and no query of what strangers sent', async () => {
    const hub = await world.startHub({
      dev: false,
      flags: ['--allow-network', '127.0.0.0/8', '--publish', 'open', '--log-level', 'trace'],
    });
    const planted = 'planted-0123456789';
    const callback = world.callback(`?capability=${planted}`);
    const topic = `${world.topics.origin}/secret?token=${planted}`;
    await subscribed(hub, callback, topic, { 'hub.secret': planted, 'hub.verify_token': planted });
    await published(hub, topic, planted, {
      headers: { authorization: `Bearer ${planted}`, 'x-key': planted },
    });
    await arrived('deliveries', callback.deliveries, 1);
    await subscribe(hub, `http://user:${planted}@127.0.0.1/`, topic);
    await subscribe(hub, callback.url, topic, { 'hub.secret': planted.repeat(20) });
    await hub.terminate();
    expect(hub.output).not.toContain(planted);
    for (const line of hub.output.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });
});

it('a short admin key opens the management API on this machine, with a warning that tells the cure', async () => {
  const events = new HubEmitter();
  const cures: string[] = [];
  events.on('admin-key-guessable', ({ cure }) => cures.push(cure));
  const hub = await createHub({ adminKey: 'short', data: ':memory:', port: 0 }, events);
  try {
    const stats = new URL('/v1/stats', hub.url).href;
    expect((await send(stats, { headers: { authorization: 'Bearer short' } })).status).toBe(200);
    expect((await send(stats, { headers: { authorization: 'Bearer shot' } })).status).toBe(401);
    expect(cures).toEqual([expect.stringContaining('choose a longer one')]);
  } finally {
    await hub.stop();
  }
});

describe('its end', () => {
  it('on SIGINT is graceful, with status 0', async () => {
    const hub = await world.startHub();
    expect(await hub.terminate('SIGINT')).toBe(0);
  });

  it('on SIGTERM, with status 0, lets what is under way settle, loses nothing and repeats nothing', async () => {
    const hub = await world.startHub();
    const server = await world.callbackServer();
    const callback = server.callback();
    const topic = world.topic().url;
    let answer: (() => void) | undefined;
    callback.onDelivery = (_delivery, nth) =>
      nth === 1 ? new Promise((resolve) => (answer = () => resolve({ status: 204 }))) : { status: 204 };
    await subscribed(hub, callback, topic);
    await published(hub, topic, 'in flight');
    await published(hub, topic, 'waiting');
    const release = await until('the first is in flight', () => answer);
    const ended = hub.terminate();
    // It takes no more work once it drains.
    await until('it is not ready any more', async () => {
      try {
        return (await send(new URL('/readyz', hub.url).href)).status === 503;
      } catch {
        return true;
      }
    });
    release();
    expect(await ended).toBe(0);
    await hub.restart();
    await arrived('deliveries', callback.deliveries, 2);
    await published(hub, topic, 'after the restart');
    await arrived('deliveries', callback.deliveries, 3);
    expect(callback.texts).toEqual(['in flight', 'waiting', 'after the restart']);
  });

  it('leaves a data folder that one hub at a time may use', async () => {
    await expect(HubProcess.start({ data: world.hub.data })).rejects.toThrow(/ended while starting/);
    expect((await send(new URL('/healthz', world.hub.url).href)).status).toBe(200);
  });
});
