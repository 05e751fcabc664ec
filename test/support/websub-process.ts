import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withoutHubSettings, type Ended } from './hub-process.js';

const BINARY = fileURLToPath(new URL('../../packages/subscriber/bin/websub.js', import.meta.url));
const LIMIT_MS = 50_000;

export interface WebsubOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
}

/** The command-line companion in a process of its own, as a user starts it. */
export class WebsubProcess {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  /** Settles when it has ended. It is killed after 50 s, which gives the status `null`. */
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], { env = {}, stdin }: WebsubOptions = {}) {
    const child = spawn(process.execPath, [BINARY, ...args], {
      env: { ...withoutHubSettings(process.env), ...env },
    });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    this.ended = new Promise((resolve) => {
      child.once('close', (status) => {
        clearTimeout(limit);
        resolve({ status, stdout: this.stdout, stderr: this.stderr });
      });
    });
    child.stdin.end(stdin);
  }
}

/** Runs it to its end. */
export function websub(args: readonly string[], options?: WebsubOptions): Promise<Ended> {
  return new WebsubProcess(args, options).ended;
}
