import { fork, type ChildProcess } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** What a helper process is asked; `name` says what, the rest is the question. */
export type Call = { readonly name: string } & Record<string, unknown>;

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A part of a measurement in a process of its own: a file beside this one, asked by messages. */
export class HelperProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #calls = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer.value);
      else waiting?.reject(new Error(answer.error));
    });
    child.on('exit', (status) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the process ended, status ${status}`));
      this.#waiting.clear();
    });
  }

  /** `file`: a module of this folder that calls {@link serveCalls}. */
  static start(file: string, nodeFlags: readonly string[] = []): HelperProcess {
    const path = fileURLToPath(new URL(file, import.meta.url));
    return new HelperProcess(fork(path, { execArgv: [...nodeFlags], serialization: 'advanced' }));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Settles with the answer. The asker says what it is; both sides are in this folder. */
  ask<Result = void>(call: Call): Promise<Result> {
    const id = ++this.#calls;
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Result), reject });
      this.#child.send({ id, call });
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** For a helper process: answers what it is asked, by name. Imports nothing that its start would have to wait for. */
export function serveCalls(answers: Readonly<Record<string, (call: never) => unknown>>): void {
  process.on('message', ({ id, call }: { id: number; call: Call }) => {
    const answer = answers[call.name] as ((call: Call) => unknown) | undefined;
    void Promise.resolve()
      .then(() => {
        if (answer === undefined) throw new Error(`no answer to ${call.name}`);
        return answer(call);
      })
      .then(
        (value) => process.send?.({ id, value }),
        (error: unknown) => process.send?.({ id, error: String(error) }),
      );
  });
}

/** Milliseconds of processor time, user and system, by thread. */
export type CpuMs = ReadonlyMap<string, number>;

/** What the threads of a process have used. */
export async function threadCpuMsOf(pid: number): Promise<CpuMs> {
  const threads = await readdir(`/proc/${pid}/task`);
  return new Map(
    await Promise.all(
      threads.map(async (thread): Promise<[string, number]> => {
        // In nanoseconds; what stat tells is in ticks of 10 ms, too coarse for a thousand deliveries.
        const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0');
        return [thread, Number(text.split(' ')[0]) / 1e6];
      }),
    ),
  );
}

/** What they have used together. */
export async function cpuMsOf(pid: number): Promise<number> {
  return sumOf(await threadCpuMsOf(pid));
}

/** What was used between two looks, by all threads and by the one that used most. */
export function cpuBetween(
  before: CpuMs,
  after: CpuMs,
): { readonly inAll: number; readonly busiest: number } {
  const used = [...after].map(([thread, ms]) => ms - (before.get(thread) ?? 0));
  return { inAll: sumOf(after) - sumOf(before), busiest: Math.max(...used) };
}

function sumOf(cpu: CpuMs): number {
  return [...cpu.values()].reduce((sum, each) => sum + each, 0);
}

export interface Memory {
  /** Resident now, bytes. */
  readonly rss: number;
  /** The most that was resident since the last {@link forgetPeak}. */
  readonly peak: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  return { rss: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** From now on, {@link Memory.peak} is of what comes. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** Milliseconds of a clock that all processes of the machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
