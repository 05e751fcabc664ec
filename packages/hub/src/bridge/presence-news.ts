import type { Clock, Random } from '@websub/shared';
import { presenceTopicOf } from '../access/topic-about.js';
import type { HubEmitter } from '../events.js';
import type { HotTail } from '../log/hot-tail.js';
import type { PresenceChange } from './presence.js';

export interface PresenceNewsOptions {
  readonly log: HotTail;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
}

const ID_BYTES = 16;
const CONTENT_TYPE = 'application/json';
const TOPIC = /^https?:/i;
/** Changes that wait for the disk; whoever wants to know who is there asks for the list. */
const MOST_WAITING = 10_000;

/** Publishes who comes to a topic and goes, as entries of a topic of the hub's own. */
export class PresenceNews {
  readonly #options: PresenceNewsOptions;
  #waiting = 0;

  constructor(options: PresenceNewsOptions) {
    this.#options = options;
  }

  /** `isFirst`: nobody was there before. */
  tell(room: string, change: PresenceChange, isFirst: boolean): void {
    if (!TOPIC.test(room) || this.#waiting >= MOST_WAITING) return;
    const { log, clock, random, events } = this.#options;
    // Who was there when the hub was killed has not left: whoever reads on is told to forget them.
    const values = [...(isFirst ? [{ type: 'reset' } as const] : []), viewOf(change)];
    this.#waiting += 1;
    log
      .append(
        values.map((value) => ({
          topic: presenceTopicOf(room),
          id: random.token(ID_BYTES),
          idempotent: false,
          type: `presence.${value.type}`,
          content: { body: Buffer.from(JSON.stringify(value)), contentType: CONTENT_TYPE },
          headers: {},
          publishedAt: clock.now(),
        })),
      )
      .catch((error: unknown) => events.emit('fault', { where: 'presence', error }))
      .finally(() => (this.#waiting -= 1));
  }
}

type View =
  | { readonly type: 'join'; readonly id: string; readonly state: unknown }
  | { readonly type: 'leave'; readonly id: string };

function viewOf(change: PresenceChange): View {
  return change.type === 'join' ? { type: 'join', id: change.id, state: change.info } : change;
}
