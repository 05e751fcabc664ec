import { reasonOf, type Clock } from '@websub/shared';
import type { KeySource } from './key-source.js';
import { readTokenKeys, type TokenKey } from './token-keys.js';

export interface KeySetOptions {
  readonly source: KeySource;
  readonly clock: Clock;
  /** The keys could not be read, or not all of them can be used; what was read before stays. */
  readonly onFault: (error: Error) => void;
}

const FRESH_MS = 10 * 60_000;
const READ_AGAIN_MS = 10_000;

/** The keys of the tokens' issuers. Read again when they are old and when a token names one that is not among them. */
export class KeySet {
  readonly #options: KeySetOptions;
  #keys: readonly TokenKey[] | undefined;
  #readAt = -Infinity;
  #triedAt = -Infinity;
  /** It could not be read when it was tried last. */
  #hasFailed = false;
  #reading: Promise<void> | undefined;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /** The keys that a token with this head may be signed with; `undefined` while none could be read at all. */
  async find(id: string | undefined, algorithm: string): Promise<readonly TokenKey[] | undefined> {
    const now = this.#options.clock.monotonic();
    if (now - this.#readAt >= FRESH_MS) {
      const reading = this.#read();
      // Of a source that hangs, everybody would wait for each attempt in turn, with keys at hand that are used when it fails.
      if (this.#keys === undefined || !this.#hasFailed) await reading;
    }
    const found = this.#among(id, algorithm);
    if (found === undefined || found.length > 0) return found;
    await this.#read();
    return this.#among(id, algorithm);
  }

  /** Settles with why it could not be read or with what cannot be used of it. */
  async open(): Promise<string | undefined> {
    const { source, clock } = this.#options;
    this.#triedAt = clock.monotonic();
    try {
      const { keys, complaints } = await readTokenKeys(await source.read(), { secrets: source.secret });
      this.#keys = keys;
      this.#readAt = clock.monotonic();
      this.#hasFailed = false;
      if (complaints.length > 0) return complaints.join('; ');
      return keys.length === 0 ? 'it holds no key' : undefined;
    } catch (error) {
      this.#hasFailed = true;
      return reasonOf(error);
    }
  }

  /** Strangers choose what their tokens name, so it is not read more often than this. */
  async #read(): Promise<void> {
    const { clock, onFault } = this.#options;
    if (this.#reading === undefined && clock.monotonic() - this.#triedAt < READ_AGAIN_MS) return;
    this.#reading ??= this.open().then((complaint) => {
      this.#reading = undefined;
      if (complaint !== undefined) onFault(new Error(`the keys of tokens: ${complaint}`));
    });
    await this.#reading;
  }

  #among(id: string | undefined, algorithm: string): readonly TokenKey[] | undefined {
    return this.#keys?.filter(
      (key) => (id === undefined || key.id === id) && key.algorithms.includes(algorithm),
    );
  }
}
