import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { until } from './until.js';

const BINARY = fileURLToPath(new URL('../../packages/hub/bin/websub-hub.js', import.meta.url));
/** `WORKERS=2 npm test -- scenario`: every hub of the tests delivers in so many threads. */
export const WORKERS: Readonly<Record<string, string>> =
  process.env['WORKERS'] === undefined ? {} : { WEBSUB_WORKERS: process.env['WORKERS'] };
const STOP_TIMEOUT_MS = 35_000;

export interface HubOptions {
  /** `--dev`, which opens loopback, publishing and the management API. Default true. */
  readonly dev?: boolean;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** The data folder; by default a fresh one that is removed at the end. */
  readonly data?: string;
  /** How long to wait for it to listen. Default 15,000. */
  readonly startTimeoutMs?: number;
}

/** The real hub in a process of its own, as a user starts it. */
export class HubProcess {
  /** Where it listens, with a slash at the end: what publishers advertise. */
  url = '';
  /** Everything it wrote, standard output and standard error in one. */
  output = '';
  readonly #options: HubOptions;
  readonly #data: string;
  readonly #temporary: boolean;
  #child: ChildProcess | undefined;
  #exit: Promise<number | NodeJS.Signals | null> = Promise.resolve(null);

  private constructor(options: HubOptions, data: string) {
    this.#options = options;
    this.#data = data;
    this.#temporary = options.data === undefined;
  }

  /** Settles when it listens. */
  static async start(options: HubOptions = {}): Promise<HubProcess> {
    const hub = new HubProcess(options, options.data ?? (await mkdtemp(join(tmpdir(), 'websub-hub-'))));
    // It starts again there, and nobody else may have it meanwhile.
    await hub.#spawn(await freePort());
    return hub;
  }

  get data(): string {
    return this.#data;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether it has said that it listens, and not ended since. */
  get serving(): boolean {
    return this.running && listeningUrl(this.output) !== undefined;
  }

  /** Starts again on the same port and data folder after {@link kill} or {@link terminate}. */
  async restart(): Promise<void> {
    await this.#spawn(Number(new URL(this.url).port));
  }

  /** SIGKILL; settles when the process is gone. */
  async kill(): Promise<number | NodeJS.Signals | null> {
    this.#child?.kill('SIGKILL');
    return this.ended();
  }

  /** Settles when the process is gone, whoever ended it, with its exit status or signal. */
  ended(): Promise<number | NodeJS.Signals | null> {
    return this.#exit;
  }

  /** SIGTERM; settles with the exit status once the process has ended by itself. */
  async terminate(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    this.#child?.kill(signal);
    const limit = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const status = await this.ended();
    clearTimeout(limit);
    return status;
  }

  /** Ends it, and removes the data folder that it was given here. For the end of a test file: nobody looks at it any more. */
  async stop(): Promise<void> {
    await this.kill();
    if (this.#temporary) await rm(this.#data, { recursive: true, force: true });
  }

  async #spawn(port: number): Promise<void> {
    const { dev = true, flags = [], env = {}, startTimeoutMs = 15_000 } = this.#options;
    const child = spawn(
      process.execPath,
      [BINARY, 'start', ...(dev ? ['--dev'] : []), '--port', String(port), '--data', this.#data, ...flags],
      {
        env: {
          ...withoutHubSettings(process.env),
          ...WORKERS,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child = child;
    this.output = '';
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    this.url = await until(
      'the hub listens',
      () => {
        if (!this.running)
          throw new Error(`the hub ended while starting, status ${child.exitCode}:\n${this.output}`);
        return listeningUrl(this.output);
      },
      startTimeoutMs,
    );
  }
}

/** From a JSON line, or from the readable line that `--dev` may write instead. */
function listeningUrl(output: string): string | undefined {
  // Whole lines only: the rest may be cut in the middle of the URL.
  for (const line of output.slice(0, output.lastIndexOf('\n') + 1).split('\n')) {
    // eslint-disable-next-line no-control-regex
    const plain = line.replace(/\u001b\[[0-9;]*m/g, '');
    if (!plain.includes('listening')) continue;
    const url = /https?:\/\/[^\s"',]+/.exec(plain)?.[0];
    if (url !== undefined) return url.endsWith('/') ? url : `${url}/`;
  }
  return undefined;
}

/** The surroundings of a process, without settings that somebody's shell may hold. */
export function withoutHubSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('WEBSUB_')));
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the binary with arguments that should end it at once. Killed after `timeoutMs`, which gives the status `null`. */
export function runHub(
  args: readonly string[],
  {
    env = {},
    timeoutMs = 10_000,
  }: { readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BINARY, ...args], {
      env: { ...withoutHubSettings(process.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('close', (status) => {
      clearTimeout(limit);
      resolve({ status, stdout, stderr });
    });
  });
}
