import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const EXAMPLES = new URL('../../examples/', import.meta.url);
const SCRIPT = fileURLToPath(new URL('../../scripts/example.mjs', import.meta.url));

/** An example in a process of its own, built already. */
export class ExampleProcess {
  output = '';
  readonly child: ChildProcess;
  /** Settles with the status with which it ended, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;

  /** As `npm run example -- NUMBER` runs it. */
  static ofScript(...args: readonly string[]): ExampleProcess {
    return new ExampleProcess([process.execPath, SCRIPT, ...args]);
  }

  /** As its own `npm start` runs it, without npm, which takes as long as the example does. */
  static started(number: string, ...args: readonly string[]): ExampleProcess {
    const name = readdirSync(EXAMPLES).find((each) => each.startsWith(`${number}-`));
    if (name === undefined) throw new Error(`there is no example ${number}`);
    const folder = new URL(`${name}/`, EXAMPLES);
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
      readonly scripts: { readonly start: string };
    };
    return new ExampleProcess([...scripts.start.split(' '), ...args], fileURLToPath(folder));
  }

  private constructor([command = '', ...args]: readonly string[], cwd?: string) {
    this.child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = once(this.child, 'close').then(
      ([status, signal]) => (status ?? signal) as number | NodeJS.Signals | null,
    );
  }

  /** Settles with all that it wrote, once it has ended with status 0. */
  async whole(): Promise<string> {
    const ended = await this.ended;
    if (ended !== 0) throw new Error(`the example ended with ${String(ended)}:\n${this.output}`);
    return this.output;
  }
}

/** Runs it to its end; settles with what it wrote once it has ended with status 0. */
export function outputOf(number: string): Promise<string> {
  return ExampleProcess.started(number).whole();
}
