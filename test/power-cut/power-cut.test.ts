import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  preparePowerCut,
  reasonNotToCut,
  type CutMode,
  type PowerCut,
  type PowerCutOptions,
} from './harness.js';
import { History } from './history.js';

/** Lives of a writer on the same folder. `npm run chaos` takes many more. */
const ROUNDS = Number(process.env['POWER_CUTS'] ?? 4);
const SEED = Number(process.env['POWER_CUT_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const TIME_LIMIT_MS = 30_000 + ROUNDS * 5_000;
/** Acknowledgements after which a life ends at the latest. Not a time: a busy machine may need long for the first. */
const LONGEST_LIFE = 3_000;

const writer = fileURLToPath(new URL('./writer.mjs', import.meta.url));
const problem = reasonNotToCut();
if (problem !== undefined && process.env['CI'] === 'true') throw new Error(problem);
if (problem !== undefined) console.warn(`skipped: ${problem}`);

/** Chance that can be had again by its seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271 + 11) % 2_147_483_647) / 2_147_483_647;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-cut-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function lossyDisk(folder: string, options?: PowerCutOptions): Promise<PowerCut> {
  const disk = await preparePowerCut(folder, options);
  onTestFinished(() => disk.close());
  return disk;
}

interface Writer {
  readonly kill: () => void;
  /** Settles when it has said this, or has ended. */
  readonly said: (what: string) => Promise<void>;
  /** Settles when it has said so many lines, or has ended. */
  readonly saidLines: (count: number) => Promise<void>;
}

/** Starts a writer, lets it live, ends it in the way given, and notes what it said. */
async function live(
  folder: string,
  env: PowerCut['env'],
  history: History,
  end: (writer: Writer) => Promise<unknown>,
): Promise<void> {
  const child = spawn(process.execPath, [writer, folder], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const closed = once(child, 'close');
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo() && child.stdout.readable) await Promise.race([once(child.stdout, 'data'), closed]);
  };
  await end({
    kill: () => void child.kill('SIGKILL'),
    said: (what) => until(() => text.includes(what)),
    saidLines: (count) => until(() => text.split('\n').length > count),
  });
  await closed;
  // A line without its end was not said.
  for (const line of text.split('\n').slice(0, -1)) history.note(line);
}

const MODES: readonly CutMode[] = ['drop', 'prefix', 'drop', 'any'];

describe('after a power cut', () => {
  it.skipIf(problem !== undefined)(
    `everything acknowledged is there (seed ${SEED})`,
    async () => {
      const folder = await temporaryFolder();
      const disk = await lossyDisk(folder);
      const history = new History();
      const chance = chances(SEED);
      let lost = 0;
      for (let round = 0; round < ROUNDS; round++) {
        await live(join(folder, 'data'), disk.env, history, async ({ saidLines }) => {
          // The first is cut while it creates the database.
          if (round > 0) await saidLines(1 + chance() * LONGEST_LIFE);
          lost += (await disk.cut(MODES[round % MODES.length]!, Math.floor(chance() * 1e9))).lost;
        });
        expect(await history.lossesIn(join(folder, 'data'))).toEqual([]);
      }
      expect(history.remarks).toEqual([]);
      // Or nothing was proved.
      expect(history.size).toBeGreaterThan(50);
      expect(lost).toBeGreaterThan(0);
    },
    TIME_LIMIT_MS,
  );

  it.skipIf(problem !== undefined).for(['files', 'folders'] as const)(
    'a disk that lies about %s is noticed',
    async (lies) => {
      const folder = await temporaryFolder();
      const disk = await lossyDisk(folder, { lies });
      const history = new History();
      await live(join(folder, 'data'), disk.env, history, async ({ said }) => {
        await said('entry');
        await wait(100);
        await disk.cut('drop', SEED);
      });
      expect(history.size).toBeGreaterThan(0);
      expect(await history.lossesIn(join(folder, 'data'))).not.toEqual([]);
    },
  );

  it.skipIf(problem !== undefined)('nothing was acknowledged after a sync that failed', async () => {
    const folder = await temporaryFolder();
    const disk = await lossyDisk(folder);
    const history = new History();
    await live(join(folder, 'data'), disk.env, history, async ({ said }) => {
      await said('entry');
      await disk.failNextSync();
      await said('refused');
      await wait(50);
      await disk.cut('drop', SEED);
    });
    const [first, ...others] = history.remarks;
    expect(first).toBe('fatal store_failed');
    expect(new Set(others)).toEqual(new Set(['refused store_failed']));
    expect(await history.lossesIn(join(folder, 'data'))).toEqual([]);
  });
});

describe('after SIGKILL', () => {
  it(
    'everything acknowledged is there',
    async () => {
      const folder = join(await temporaryFolder(), 'data');
      const history = new History();
      const chance = chances(SEED);
      for (let round = 0; round < Math.ceil(ROUNDS / 2); round++) {
        await live(folder, {}, history, async ({ kill, saidLines }) => {
          await saidLines(1 + chance() * LONGEST_LIFE);
          kill();
        });
        expect(await history.lossesIn(folder)).toEqual([]);
      }
      expect(history.size).toBeGreaterThan(0);
    },
    TIME_LIMIT_MS,
  );
});
