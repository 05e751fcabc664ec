import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** An example as `npm run example -- NUMBER` runs it, but built already. */
export class ExampleProcess {
  output = '';
  readonly child: ChildProcess;
  /** Settles with the status with which it ended. */
  readonly status: Promise<number | null>;

  constructor(...args: readonly string[]) {
    const script = fileURLToPath(new URL('../../scripts/example.mjs', import.meta.url));
    this.child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.status = once(this.child, 'close').then(([status]) => status as number | null);
  }
}

/** Runs it to its end; settles with what it wrote once it has ended with status 0. */
export async function outputOf(...args: readonly string[]): Promise<string> {
  const example = new ExampleProcess(...args);
  const status = await example.status;
  if (status !== 0) throw new Error(`the example ended with status ${String(status)}:\n${example.output}`);
  return example.output;
}
