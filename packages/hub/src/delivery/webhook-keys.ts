import { webhookKey } from '@websub/shared';

const MOST_KEYS = 10_000;

/** Keys of `webhook-signature`, remembered: deriving one takes five times as long as signing with it. */
export class WebhookKeys {
  readonly #most: number;
  /** By topic, then by secret. */
  #known = new Map<string, Map<string, Uint8Array>>();
  #size = 0;

  constructor(most = MOST_KEYS) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  of(topic: string, secret: string): Uint8Array {
    const known = this.#known.get(topic)?.get(secret);
    if (known !== undefined) return known;
    // All at once: a fan-out that is larger than this meets each key once in a round, so no order of forgetting helps it.
    if (this.#size >= this.#most) {
      this.#known = new Map();
      this.#size = 0;
    }
    const key = webhookKey(secret, topic);
    const ofTopic = this.#known.get(topic) ?? new Map<string, Uint8Array>();
    this.#known.set(topic, ofTopic.set(secret, key));
    this.#size += 1;
    return key;
  }
}
