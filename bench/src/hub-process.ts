import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const BINARY = join(
  dirname(createRequire(import.meta.url).resolve('@websub/hub/package.json')),
  'bin',
  'websub-hub.js',
);

/** What measures the delay looks so often, and this is in what it tells. */
const LOOKS_EVERY_MS = 10;

/** Puts into the folder of a hub that is not running what is there when it starts. */
type Seed = (folder: string) => Promise<void>;

/** The hub as users start it, with its store on disk. */
export class HubProcess {
  url = '';
  readonly data: string;
  readonly #workers: number;
  #child: ChildProcess | undefined;

  private constructor(data: string, workers: number) {
    this.data = data;
    this.#workers = workers;
  }

  /**
   * Settles when it listens. In `--dev`, as
   * callbacks and publishers are on this machine and no stranger's rates apply; what `seed` puts into its folder is there
   * when it starts. It delivers in so many threads besides its own.
   */
  static async start(seed?: Seed, workers = 0): Promise<HubProcess> {
    const hub = await HubProcess.prepare(seed, workers);
    await hub.restart();
    return hub;
  }

  /** Has its data in its folder and is not running yet: for rounds that each begin with {@link restart}. */
  static async prepare(seed?: Seed, workers = 0): Promise<HubProcess> {
    const hub = new HubProcess(await mkdtemp(join(tmpdir(), 'websub-bench-')), workers);
    await seed?.(hub.data);
    return hub;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it (again) on its data. Settles when it listens, with the milliseconds that this took. */
  async restart(): Promise<number> {
    await this.halt();
    const startedAt = performance.now();
    const threads = ['--workers', String(this.#workers)];
    const child = spawn(
      process.execPath,
      [...hubNodeFlags(), BINARY, 'start', '--dev', '--port', '0', '--data', this.data, ...threads],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    this.url = await new Promise<string>((resolve, reject) => {
      // Read to the end, or the hub would wait for room to log.
      lines.on('line', (line) => {
        const url = line.includes('listening') ? /http:\/\/[\d.:]+\/?/.exec(line)?.[0] : undefined;
        if (url !== undefined) resolve(url.endsWith('/') ? url : `${url}/`);
      });
      child.once('exit', (status) => reject(new Error(`the hub ended while starting, status ${status}`)));
    });
    return performance.now() - startedAt;
  }

  /** Milliseconds that its event loop was late, the 99th percentile since this was last asked. */
  async loopDelayMs(): Promise<number> {
    const answer = await fetch(new URL('/metrics', this.url));
    const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(await answer.text())?.[1];
    return Math.max(0, Number(seconds) * 1_000 - LOOKS_EVERY_MS);
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.data, { recursive: true, force: true });
  }

  /** Stops it, and keeps its data. */
  async halt(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
}

/** `HUB_NODE_FLAGS="--cpu-prof"` profiles the hub. */
function hubNodeFlags(): string[] {
  return (process.env['HUB_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
}
