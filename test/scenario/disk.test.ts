import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { preparePowerCut, reasonNotToCut, type PowerCut } from '../power-cut/harness.js';
import { send } from '../support/http.js';
import type { HubProcess } from '../support/hub-process.js';
import { metric, published, publish, subscribed, subscribe } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

/** How often a disk fills and is freed again; `npm run chaos` takes more. */
const CYCLES = Number(process.env['DISK_CYCLES'] ?? 1);
/** How many lives on a disk of which one in a thousand writes fails. */
const FAILING_LIVES = Number(process.env['DISK_LIVES'] ?? 1);
const MINUTE = 60_000;

const world = useSurroundings();
const problem = reasonNotToCut();
if (problem !== undefined && process.env['CI'] === 'true') throw new Error(problem);

/** A disk that can be filled, whose files lie in `data`. */
interface SmallDisk {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  fill(): Promise<void>;
  free(): Promise<void>;
}

const DISKS = {
  'a file that cannot grow': fillableDisk,
  'a small file system': mountedDisk,
} as const;
// Whoever may not mount a file system has the model of one.
const disks = (['a file that cannot grow', 'a small file system'] as const).slice(0, canMount() ? 2 : 1);

describe.skipIf(problem !== undefined)('on a full disk', () => {
  it.each(disks)(
    '(%s) publishes are refused with 507, what was acknowledged is delivered, and all is well once there is room',
    async (kind) => {
      const disk = await DISKS[kind]();
      const hub = await world.startHub({
        data: disk.data,
        env: disk.env,
        flags: ['--retry-delays', Array.from({ length: 50 }, () => '0.2').join(',')],
      });
      const topic = world.topic().url;
      const callback = world.callback();
      await subscribed(hub, callback, topic);
      const acknowledged: string[] = [];
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        // What is not delivered when the disk fills is delivered from it.
        callback.onDelivery = () => ({ status: 500 });
        for (let n = 0; n < 5; n++) acknowledged.push(await update(hub, topic, `${cycle}.${n}`));
        await disk.fill();
        const refused = await until('there is no room', async () => {
          const body = `full ${'x'.repeat(20_000)}`;
          const answer = await publish(hub, topic, body);
          if (answer.status === 202) acknowledged.push(body);
          return answer.status === 202 ? undefined : answer;
        });
        expect([507, 503]).toContain(refused.status);
        expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
        const other = await subscribe(hub, world.callback().url, topic);
        expect([202, 507, 503]).toContain(other.status);
        callback.onDelivery = () => ({ status: 204 });
        await until('what was acknowledged is delivered', () =>
          callback.texts.includes(acknowledged.at(-1) ?? ''),
        );
        for (const path of ['', 'healthz', 'metrics', 'v1/subscriptions'])
          expect((await send(new URL(path, hub.url).href)).status).toBe(200);
        await disk.free();
        acknowledged.push(
          await until(
            'there is room again',
            async () => {
              const body = `free ${cycle}`;
              return (await publish(hub, topic, body)).status === 202 ? body : undefined;
            },
            5_000,
          ),
        );
      }
      await until('everything is delivered', () => callback.texts.includes(acknowledged.at(-1) ?? ''));
      const given = new Set(callback.texts);
      expect(acknowledged.filter((body) => !given.has(body))).toEqual([]);
      expect(await hub.terminate()).toBe(0);
    },
    MINUTE + CYCLES * 20_000,
  );
});

describe.skipIf(problem !== undefined)('on a disk that does not answer', () => {
  let hub: HubProcess;
  let disk: PowerCut;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'websub-disk-'));
    disk = await preparePowerCut(folder);
    hub = await world.startHub({ data: join(folder, 'data'), env: disk.env });
    return async () => {
      await disk.close();
      await rm(folder, { recursive: true, force: true });
    };
  });

  it(
    'publishes are refused in time, everything else is answered, and what waited is stored once it does',
    async () => {
      const topic = world.topic().url;
      const callback = world.callback();
      await subscribed(hub, callback, topic);
      await published(hub, topic, 'before');
      await until('it is delivered', () => callback.texts.includes('before'));
      await disk.stall();
      const waiting = await publish(hub, topic, 'during');
      expect(waiting.status).toBe(503);
      expect(Number(waiting.headers['retry-after'])).toBeGreaterThan(0);
      // From now on at once.
      expect((await publish(hub, topic, 'refused')).status).toBe(503);
      for (const [path, status, text] of [
        ['', 200, /./],
        ['healthz', 200, /alive/],
        ['metrics', 200, /websub_store_late_seconds \d/],
        ['readyz', 503, /disk has not answered for \d+ s/],
        ['v1/subscriptions', 503, /later/],
      ] as const) {
        const answer = await send(new URL(path, hub.url).href);
        expect([path, answer.status]).toEqual([path, status]);
        expect(answer.text).toMatch(text);
      }
      await disk.resume();
      await until(
        'it is ready again',
        async () => (await send(new URL('readyz', hub.url).href)).status === 200,
      );
      await published(hub, topic, 'after');
      await until('it is delivered', () => callback.texts.includes('after'));
      expect(callback.texts).not.toContain('refused');
      expect(await metric(hub, 'websub_store_late_seconds')).toBeLessThan(1);
    },
    MINUTE,
  );

  it(
    'a stop does not wait for ever',
    async () => {
      await disk.stall();
      const publishing = publish(hub, world.topic().url, 'during').catch(() => undefined);
      await until('it waits', async () => ((await metric(hub, 'websub_store_late_seconds')) ?? 0) > 0);
      // The disk holds the process until the system ends it; 0 would say that everything was saved.
      expect(await hub.terminate()).toBe('SIGKILL');
      await publishing;
    },
    MINUTE,
  );
});

describe.skipIf(problem !== undefined)('on a disk of which one in a thousand writes fails', () => {
  it(
    'nothing is acknowledged after the failure, the hub ends, and the next start has everything acknowledged',
    async () => {
      const { disk, data } = await shimmedFolder();
      const hub = await world.startHub({ data, env: disk.env });
      const topic = world.topic().url;
      const callback = world.callback();
      await subscribed(hub, callback, topic);
      const acknowledged: string[] = [];
      for (let life = 0; life < FAILING_LIVES; life++) {
        await disk.failOneOf(1_000, 7 + life);
        let lastAt = 0;
        // Ends with the hub.
        for (let n = 0; hub.running; n++) {
          const body = `${life}.${n} ${'.'.repeat(3_000)}`;
          const answer = await publish(hub, topic, body).catch(() => undefined);
          if (answer?.status !== 202) continue;
          acknowledged.push(body);
          lastAt = performance.now();
        }
        expect(await hub.ended()).toBe(1);
        expect(hub.output).toMatch(/"msg":"store-lost"/);
        expect(lastAt).toBeGreaterThan(0);
        await hub.restart();
      }
      await published(hub, topic, 'the last');
      await until('the last is delivered', () => callback.texts.includes('the last'));
      const given = new Set(callback.texts);
      expect(acknowledged.filter((body) => !given.has(body))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(0);
    },
    MINUTE * FAILING_LIVES,
  );
});

async function update(hub: HubProcess, topic: string, body: string): Promise<string> {
  await published(hub, topic, body);
  return body;
}

async function shimmedFolder(): Promise<{ disk: PowerCut; data: string }> {
  const folder = await temporaryFolder();
  const disk = await preparePowerCut(folder);
  onTestFinished(() => disk.close());
  return { disk, data: join(folder, 'data') };
}

async function fillableDisk(): Promise<SmallDisk> {
  const { disk, data } = await shimmedFolder();
  return { data, env: disk.env, fill: () => disk.fill(), free: () => disk.free() };
}

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'websub-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], {
    stdio: 'ignore',
  });
  if (status === 0) spawnSync('umount', [folder]);
  rmdirSync(folder);
  return status === 0;
}

/** A file system of 16 MiB, filled by a file beside the data. */
async function mountedDisk(): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  const run = promisify(execFile);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]);
  onTestFinished(async () => {
    await run('umount', ['--lazy', folder]);
  });
  const data = join(folder, 'data');
  await mkdir(data);
  const ballast = join(folder, 'ballast');
  return {
    data,
    env: {},
    fill: () => writeFile(ballast, Buffer.alloc(32 * 1024 * 1024)).catch(() => undefined),
    free: () => rm(ballast),
  };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-disk-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
