import { Checkpoint } from './checkpoint.js';
import type { CommandName, Commands, Reply, Request, Writes } from './commands.js';
import { endsTheStore, failureOf } from './failure.js';
import { commitGroup, type Outcome } from './group-commit.js';
import type { Database } from './sqlite-driver.js';

const WRITES: Readonly<Record<keyof Writes, true>> = {
  append: true,
  trimLog: true,
  saveTopic: true,
  removeTopic: true,
  saveSubscription: true,
  removeSubscription: true,
  savePlaces: true,
  addDeadLetters: true,
  removeDeadLetter: true,
  askRedelivery: true,
  trimDeadLetters: true,
  quarantine: true,
  addCredential: true,
  removeCredential: true,
  addRevocation: true,
  saveConsumers: true,
  removeConsumers: true,
};

/** How long it reads before it looks for writes again. One read is always answered, so neither kind waits for ever. */
const READING_MS = 5;

export interface StoreLoopOptions {
  readonly database: Database;
  readonly commands: Commands;
  /** Names the database in messages to people. */
  readonly location: string;
  /** `commitMs`: what the commit of these changes took; absent where the answers are to reads. */
  readonly onReplies: (replies: readonly Reply[], commitMs?: number) => void;
  /** Nothing is answered any more; with the error that ended it, if one did. */
  readonly onEnd: (error?: unknown) => void;
}

/**
 * The order of work in the store's thread. Whatever writes have arrived are one group, and its answers leave after its
 * commit (LAW 1); reads come between the groups, so that no long read keeps a publisher waiting.
 */
export class StoreLoop {
  readonly #options: StoreLoopOptions;
  readonly #checkpoint: Checkpoint;
  #writes: Request[] = [];
  #reads: Request[] = [];
  #release: (() => void) | undefined;
  #scheduled = false;
  #ended = false;

  constructor(options: StoreLoopOptions) {
    this.#options = options;
    this.#checkpoint = new Checkpoint(options.database);
  }

  add(requests: readonly Request[]): void {
    for (const request of requests) (isWrite(request.name) ? this.#writes : this.#reads).push(request);
    this.#schedule();
  }

  /** Does what was asked for before, then releases the database and ends. */
  close(release: () => void): void {
    this.#release = release;
    this.#schedule();
  }

  /** One turn at a time: SQLite blocks the thread, and what arrives meanwhile must get in to join the next group. */
  #schedule(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      try {
        this.#turn();
      } catch (error) {
        this.#end(error);
      }
    });
  }

  #turn(): void {
    this.#write();
    this.#read();
    this.#checkpoint.runIfDue();
    if (this.#writes.length > 0 || this.#reads.length > 0) this.#schedule();
    else if (this.#release !== undefined) {
      this.#release();
      this.#end();
    }
  }

  #write(): void {
    if (this.#writes.length === 0) return;
    const group = this.#writes;
    this.#writes = [];
    const commands = group.map((request) => () => this.#run(request));
    const startedAt = performance.now();
    const outcomes = commitGroup(this.#options.database, commands);
    const commitMs = performance.now() - startedAt;
    const replies = outcomes.map((outcome, index) => this.#replyTo(group[index]!, outcome));
    this.#options.onReplies(replies, commitMs);
  }

  #read(): void {
    const endsAt = performance.now() + READING_MS;
    const replies: Reply[] = [];
    for (const request of this.#reads) {
      replies.push(this.#replyTo(request, this.#find(request)));
      if (performance.now() >= endsAt) break;
    }
    this.#reads.splice(0, replies.length);
    if (replies.length > 0) this.#options.onReplies(replies);
  }

  #find(request: Request): Outcome {
    try {
      return { kind: 'done', value: this.#run(request) };
    } catch (error) {
      if (endsTheStore(error)) throw error;
      return { kind: 'failed', error };
    }
  }

  #run({ name, args }: Request): unknown {
    // Name and arguments belong together: the main thread is typed by the same interface.
    const command = this.#options.commands[name] as (...args: readonly unknown[]) => unknown;
    return command(...args);
  }

  #replyTo({ id }: Request, outcome: Outcome): Reply {
    if (outcome.kind === 'done') return { id, value: outcome.value };
    return { id, failure: failureOf(outcome.error, this.#options.location) };
  }

  #end(error?: unknown): void {
    this.#ended = true;
    this.#options.onEnd(error);
  }
}

function isWrite(name: CommandName): boolean {
  return name in WRITES;
}
