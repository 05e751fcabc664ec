import type { Reader } from './reader.js';

/** Who reads which topics. */
export class ReaderIndex {
  readonly #all = new Set<Reader>();
  readonly #byTopic = new Map<string, Set<Reader>>();
  readonly #byPattern = new Set<Reader>();

  get all(): Iterable<Reader> {
    return this.#all;
  }

  add(reader: Reader): void {
    const { topics, patterns } = reader.selection;
    this.#all.add(reader);
    for (const topic of topics) {
      const readers = this.#byTopic.get(topic) ?? new Set();
      this.#byTopic.set(topic, readers.add(reader));
    }
    if (patterns.length > 0) this.#byPattern.add(reader);
  }

  /** Harmless when it is not there. */
  delete(reader: Reader): void {
    this.#all.delete(reader);
    this.#byPattern.delete(reader);
    for (const topic of reader.selection.topics) {
      const readers = this.#byTopic.get(topic);
      readers?.delete(reader);
      if (readers?.size === 0) this.#byTopic.delete(topic);
    }
  }

  /** Those that name the topic. */
  naming(topic: string): Iterable<Reader> {
    return this.#byTopic.get(topic) ?? [];
  }

  /** Those with patterns to whom the topic belongs, by these or by its name. */
  *matching(topic: string): Iterable<Reader> {
    for (const reader of this.#byPattern) if (reader.selection.includes(topic)) yield reader;
  }

  /** Whether somebody reads the topic. */
  isRead(topic: string): boolean {
    if (this.#byTopic.has(topic)) return true;
    for (const _reader of this.matching(topic)) return true;
    return false;
  }
}
