import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What becomes of the changes that were not synced: see power-cut.c. */
export type CutMode = 'drop' | 'prefix' | 'any';

export interface PowerCutOptions {
  /** Syncing these does nothing: a disk that lies, to see that a test notices. */
  readonly lies?: 'files' | 'folders' | 'all';
}

/** A disk below one folder that loses what was not synced. */
export interface PowerCut {
  /** What the environment of the process must hold besides. */
  readonly env: Readonly<Record<string, string>>;
  /** Cuts the power: the process ends as by SIGKILL, and the folder holds what was on stable storage. */
  cut(mode: CutMode, seed: number): Promise<{ readonly kept: number; readonly lost: number }>;
  /** The next sync of a file fails with EIO, and what it should have synced is lost at the cut. */
  failNextSync(): Promise<void>;
  /** From now on one of `count` writes and syncs fails with EIO, by chance. */
  failOneOf(count: number, seed: number): Promise<void>;
  /** From now on no file can grow (ENOSPC), until {@link free}. */
  fill(): Promise<void>;
  free(): Promise<void>;
  /** From now on syncs of files wait, until {@link resume}. */
  stall(): Promise<void>;
  resume(): Promise<void>;
  /** Removes what the harness made; not the folder. */
  close(): Promise<void>;
}

const source = fileURLToPath(new URL('./power-cut.c', import.meta.url));
const LONGEST_WAIT_MS = 10_000;

/** Why no power can be cut here, with the cure; `undefined` when it can. */
export function reasonNotToCut(): string | undefined {
  if (process.platform !== 'linux')
    return 'the power-cut library needs Linux (LD_PRELOAD): run it in a container';
  const { status } = spawnSync('cc', ['--version'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'the power-cut library needs a C compiler: apt-get install gcc libc6-dev';
}

/** Compiles the library when it is not there yet, and readies it for the folder, which must exist. */
export async function preparePowerCut(folder: string, options: PowerCutOptions = {}): Promise<PowerCut> {
  const library = await compile();
  const scratch = await mkdtemp(join(tmpdir(), 'websub-power-'));
  const control = join(scratch, 'control');
  const { lies } = options;
  const tell = async (command: string): Promise<void> => {
    await obeyed(control, command);
  };
  return {
    env: {
      LD_PRELOAD: library,
      POWER_CUT_FOLDER: realpathSync(folder),
      POWER_CUT_CONTROL: control,
      ...(lies !== undefined && { POWER_CUT_LIES: lies }),
      // The library sees calls, not rings.
      UV_USE_IO_URING: '0',
    },
    cut: async (mode, seed) => {
      const [, kept, lost] = /(\d+) kept, (\d+) lost/.exec(await obeyed(control, `cut ${mode} ${seed}`))!;
      return { kept: Number(kept), lost: Number(lost) };
    },
    failNextSync: () => tell('eio'),
    failOneOf: (count, seed) => tell(`eio-of ${count} ${seed}`),
    fill: () => tell('full'),
    free: () => tell('free'),
    stall: () => tell('stall'),
    resume: () => tell('resume'),
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

async function compile(): Promise<string> {
  const code = await readFile(source);
  const version = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const library = join(tmpdir(), `websub-power-cut-${version}-${process.arch}.so`);
  if (await exists(library)) return library;
  const fresh = `${library}.${process.pid}`;
  await promisify(execFile)('cc', [
    '-O1',
    '-shared',
    '-fPIC',
    '-Wall',
    '-o',
    fresh,
    source,
    '-ldl',
    '-lpthread',
  ]);
  // Another test file may be compiling too: whoever comes last replaces the same bytes.
  await rename(fresh, library);
  return library;
}

/** Gives the command and answers what the library says when it has obeyed. */
async function obeyed(control: string, command: string): Promise<string> {
  await writeFile(`${control}.new`, `${command}\n`);
  await rename(`${control}.new`, control);
  const endsAt = performance.now() + LONGEST_WAIT_MS;
  while (!(await exists(`${control}.done`))) {
    if (performance.now() > endsAt)
      throw new Error(`nobody obeyed "${command}": does the process use the folder?`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const answer = await readFile(`${control}.done`, 'utf8');
  await rm(`${control}.done`);
  return answer;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
