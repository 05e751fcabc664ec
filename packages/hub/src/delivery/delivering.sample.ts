import { TestClock } from '@websub/shared';
import type { Recipient } from '../subscription/recipient.js';
import type { TopicPolicy } from '../topic/topic-record.js';
import type { Undelivered } from './dead-letter-box.js';
import {
  DamagedLog,
  Life,
  TOPIC,
  type DeliveringOptions,
  type Lasting,
  type Request,
} from './life.sample.js';

/** One topic and its callbacks, delivered to by the real parts over a log and places in memory, in the time of the test. */
export class Delivering {
  readonly #lasting: Lasting;
  readonly #callbacks: string[] = [];
  life: Life;

  constructor(options: DeliveringOptions = {}) {
    const { patience, perHost = 64, breaker = false, onSend = () => undefined } = options;
    this.#lasting = {
      perHost,
      breaker,
      onSend,
      patience: {
        retryDelaysMs: [1_000, 5_000, 25_000],
        overloadFloorMs: 60_000,
        suspendAfterMs: Infinity,
        ...patience,
      },
      clock: new TestClock(),
      log: new DamagedLog(),
      places: new Map(),
      letters: [],
      inFlight: [],
      policy: 'unordered',
      sendings: 0,
    };
    this.life = new Life(this.#lasting);
  }

  get clock(): TestClock {
    return this.#lasting.clock;
  }

  get inFlight(): readonly Request[] {
    return this.#lasting.inFlight;
  }

  /** What is in flight, by id. */
  get sent(): readonly string[] {
    return this.inFlight.map(({ entry }) => entry);
  }

  get letters(): readonly Undelivered[] {
    return this.#lasting.letters;
  }

  get policy(): TopicPolicy {
    return this.#lasting.policy;
  }

  set policy(policy: TopicPolicy) {
    this.#lasting.policy = policy;
    const { topic } = this.life;
    topic.record = { ...topic.record, policy };
  }

  subscribe(callback = 'https://far.example/callback'): Recipient {
    this.#callbacks.push(callback);
    return this.life.enter(callback);
  }

  recipient(callback = this.#callbacks[0]!): Recipient {
    return this.life.roll.find(TOPIC, callback)!;
  }

  async publish(...ids: string[]): Promise<void> {
    const { topic, log, deliveries } = this.life;
    const content = { body: Buffer.from('content'), contentType: 'text/plain' };
    const common = { topic: TOPIC, idempotent: false, content, headers: {}, publishedAt: this.clock.now() };
    const appended = await log.append(ids.map((id) => ({ ...common, id })));
    topic.newest = appended.at(-1)!.position;
    deliveries.wake(topic);
    await this.pass();
  }

  /** Time passes, and all that follows is done. */
  async pass(ms = 0): Promise<void> {
    await this.#settle();
    await this.clock.advance(ms);
    await this.#settle();
  }

  /** So much time passes that a host that does not answer is given all its slots. */
  async widen(): Promise<void> {
    for (let step = 0; step < 4; step++) await this.pass(5);
  }

  async #settle(): Promise<void> {
    // Looking something up in the log takes a few turns of the loop; ends when nothing was sent in as many.
    for (let before = -1; before !== this.#lasting.sendings;) {
      before = this.#lasting.sendings;
      for (let turn = 0; turn < 4; turn++) await this.clock.advance(0);
    }
  }

  async answer(entry: string, status: number, retryAfterMs?: number): Promise<void> {
    this.inFlight.find((request) => request.entry === entry)!.answer(status, retryAfterMs);
    await this.pass();
  }

  /** What is stored of it is not what was published; what is in memory is, until the hub has started again. */
  damage(id: string): void {
    this.#lasting.log.damaged.add(id);
  }

  /** The hub ends at once, and starts again with what is saved. */
  crash(): void {
    this.life.cutOff();
    this.#lasting.inFlight.length = 0;
    this.life = new Life(this.#lasting);
    for (const callback of this.#callbacks) this.life.enter(callback);
  }

  /** The hub stops, while what is in flight is answered, and starts again. */
  async restart(answer: (request: Request) => void): Promise<void> {
    const stopped = this.life.deliveries.stop();
    // What was being read from the log when the hub was stopped is still sent.
    for (const request of this.inFlight.slice()) answer(request);
    await this.pass();
    for (const request of this.inFlight.slice()) answer(request);
    await stopped;
    await this.life.places.flush();
    this.crash();
  }
}
