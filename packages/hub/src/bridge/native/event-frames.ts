import type { Entry } from '../../log/log.js';
import type { Envelopes } from '../envelope.js';
import { Shelf } from '../shelf.js';
import { beginningOf, bytesOf, endingOf, messageOf, type Message } from '../socket/frames.js';

interface Made {
  /** The envelope without the brace that opens it. */
  readonly rest: string;
  /** Whole messages by `sid`, while they are few: clients of one program give their subscriptions the same names. */
  readonly messages: Map<string, Message>;
  /** Of a large envelope: the frames that are equal for all. */
  readonly ending: Message | undefined;
}

const SHELF_BYTES = 16 * 1024 * 1024;
/** Longer envelopes are never copied for a subscription. */
const COPIED_BYTES = 4 * 1024;
const MOST_SIDS = 8;

/** Messages `ev`: an envelope, and to which subscription it goes. The envelope is made once for all who read it. */
export class EventFrames {
  readonly #shelf: Shelf<Made>;

  constructor(envelopes: Envelopes) {
    this.#shelf = new Shelf(SHELF_BYTES, (entry) => make(envelopes.of(entry)), sizeOf);
  }

  of(sid: string, entry: Entry): Message {
    const { rest, messages, ending } = this.#shelf.of(entry);
    const known = messages.get(sid);
    if (known !== undefined) return known;
    const begin = `{"op":"ev","sid":${JSON.stringify(sid)},`;
    if (ending !== undefined) return [beginningOf(begin), ...ending];
    const message = messageOf(begin + rest);
    if (messages.size < MOST_SIDS) messages.set(sid, message);
    return message;
  }
}

function make(envelope: string): Made {
  const rest = envelope.slice(1);
  if (rest.length <= COPIED_BYTES) return { rest, messages: new Map(), ending: undefined };
  return { rest: '', messages: new Map(), ending: endingOf(Buffer.from(rest)) };
}

function sizeOf({ rest, ending }: Made): number {
  return ending === undefined ? rest.length * (MOST_SIDS + 1) : bytesOf(ending);
}
