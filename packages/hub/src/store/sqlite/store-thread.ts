import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { reasonOf, WebSubError } from '@websub/shared';
import type { Position } from '../../log/log.js';
import type { CommandName, Commands, Order, Reply, Report, Request } from './commands.js';
import type { Failure } from './failure.js';
import type { WorkerInput } from './worker.js';

export interface StoreThreadOptions {
  readonly folder: string;
  /** Called once when the store is finished and can only be opened again. */
  readonly onFatal: (error: WebSubError) => void;
  /** Called with each commit: what it took, and how many changes share it. */
  readonly onCommit: (durationMs: number, changes: number) => void;
}

interface Waiting {
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly since: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: WebSubError) => void;
}

// What waits for a slow disk lies in memory, here and in the thread (LAW 8).
const MOST_WAITING = 100_000;
const MOST_WAITING_BYTES = 128 * 1024 * 1024;

/** The main thread's end of the store's thread: sends commands, one message for each turn, and settles their promises. */
export class StoreThread {
  /** What the database said of itself when it was opened. */
  readonly identity: { readonly epoch: string; readonly head: Position };
  readonly #worker: Worker;
  readonly #onFatal: (error: WebSubError) => void;
  readonly #onCommit: StoreThreadOptions['onCommit'];
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #waitingBytes = 0;
  #outbox: Request[] = [];
  #lastId = 0;
  /** Why nothing is taken any more. */
  #refusal: WebSubError | undefined;
  #closing: Promise<void> | undefined;
  #closingSince: number | undefined;
  #failed = false;

  /** Settles when the database is open. Rejects with `store_in_use`, `store_damaged`, `store_newer` or `store_failed`. */
  static async open({ folder, onFatal, onCommit }: StoreThreadOptions): Promise<StoreThread> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'websub-store',
      // Options of the program's own, such as --input-type, can be wrong for a thread that runs a file.
      execArgv: [],
      workerData: { folder } satisfies WorkerInput,
    });
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const [first] = (await once(worker, 'message').catch((error: unknown) => {
      throw threadEnded(error);
    })) as [Report];
    if (first.kind === 'opened') return new StoreThread(worker, exited, first, { onFatal, onCommit });
    await exited;
    throw first.kind === 'ended' ? errorOf(first.failure) : threadEnded(undefined);
  }

  private constructor(
    worker: Worker,
    exited: Promise<void>,
    { epoch, head }: StoreThread['identity'],
    { onFatal, onCommit }: Omit<StoreThreadOptions, 'folder'>,
  ) {
    this.identity = { epoch, head };
    this.#worker = worker;
    this.#exited = exited;
    this.#onFatal = onFatal;
    this.#onCommit = onCommit;
    worker.on('message', (report: Report) => this.#onReport(report));
    worker.on('error', (error) => this.#fail(threadEnded(error)));
    worker.on('exit', () => this.#fail(threadEnded(undefined)));
  }

  /**
   * Has the command run and settles with its answer. `bytes` is what it holds in memory besides itself. Rejects with
   * `store_full`, also when too much waits for the disk, with `store_failed` or `store_damaged`, or with `stopped` after
   * {@link close}.
   */
  call<Name extends CommandName>(
    name: Name,
    args: Parameters<Commands[Name]>,
    bytes = 0,
  ): Promise<ReturnType<Commands[Name]>> {
    const refusal = this.#refusal ?? this.#overflow(bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    const id = ++this.#lastId;
    if (this.#outbox.length === 0) setImmediate(() => this.#send());
    this.#outbox.push({ id, name, args });
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      // The answer to this id comes from the command of this name.
      this.#waiting.set(id, {
        bytes,
        since: performance.now(),
        resolve: resolve as (value: unknown) => void,
        reject,
      });
    });
  }

  /** How long the oldest request has waited for its answer; requests keep their order in the map. */
  lateMs(): number {
    const [oldest] = this.#waiting.values();
    const since = oldest?.since ?? this.#closingSince;
    return since === undefined ? 0 : performance.now() - since;
  }

  /** Settles when everything asked for before is done and the database is closed. Closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#refusal ??= new WebSubError('stopped', 'the store is closed: open it again');
    this.#send();
    this.#post({ kind: 'close' });
    this.#closingSince = performance.now();
    await this.#exited;
    this.#closingSince = undefined;
  }

  /** One entry is always taken, however large. */
  #overflow(bytes: number): WebSubError | undefined {
    const full =
      this.#waiting.size >= MOST_WAITING ||
      (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MOST_WAITING_BYTES);
    return full
      ? new WebSubError('store_full', 'the disk is slower than what is to be stored: try again later')
      : undefined;
  }

  #send(): void {
    if (this.#outbox.length === 0) return;
    const requests = this.#outbox;
    this.#outbox = [];
    this.#post({ kind: 'requests', requests });
  }

  #post(order: Order): void {
    this.#worker.postMessage(order);
  }

  #onReport(report: Report): void {
    if (report.kind === 'replies') {
      for (const reply of report.replies) this.#settle(reply);
      if (report.commitMs !== undefined) this.#onCommit(report.commitMs, report.replies.length);
    } else if (report.kind === 'ended') this.#fail(errorOf(report.failure));
  }

  #settle({ id, value, failure }: Reply): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#waitingBytes -= waiting.bytes;
    if (failure === undefined) waiting.resolve(value);
    else waiting.reject(errorOf(failure));
  }

  /** The store is finished, or the thread has ended as it was told to. */
  #fail(error: WebSubError): void {
    const expected = this.#closing !== undefined && this.#waiting.size === 0;
    if (!expected && !this.#failed) {
      this.#failed = true;
      this.#refusal = error;
      this.#onFatal(error);
    }
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#outbox = [];
  }
}

function errorOf({ code, message, cause }: Failure): WebSubError {
  return new WebSubError(code, message, { cause: new Error(cause) });
}

function threadEnded(cause: unknown): WebSubError {
  const why = cause === undefined ? '' : ` (${reasonOf(cause)})`;
  return new WebSubError('store_failed', `the store's thread ended${why}: start again`, { cause });
}
