import { reasonOf, WebSubError } from '@websub/shared';
import type { HubEmitter } from '../../events.js';
import type { Socket } from '../socket/socket.js';
import { ERRORS, type ErrorName } from './close-codes.js';
import type { ServerWord } from './words.js';

/** What is answered: the op, and the subscription that it is about. */
export interface Asked {
  readonly op: string;
  readonly sid?: string | undefined;
}

/** What the hub says to one client. */
export class Replies {
  readonly #socket: Socket;
  readonly #events: HubEmitter;

  constructor(socket: Socket, events: HubEmitter) {
    this.#socket = socket;
    this.#events = events;
  }

  tell(word: ServerWord): void {
    this.#socket.tell(word);
  }

  ok({ op, sid }: Asked, more: Omit<ServerWord & { readonly op: 'ok' }, 'op' | 'ref' | 'sid'> = {}): void {
    this.tell({ op: 'ok', ref: op, ...(sid === undefined ? {} : { sid }), ...more });
  }

  /** `detail` ends with the cure. */
  err({ op, sid }: Asked, error: ErrorName, detail: string): void {
    this.tell({ op: 'err', ref: op, ...(sid === undefined ? {} : { sid }), ...ERRORS[error], error, detail });
  }

  /** `what` begins the sentence: "reading these topics". */
  forbid(asked: Asked, isAnybody: boolean, what: string): void {
    if (isAnybody)
      this.err(asked, 'unauthorized', `${what} needs a credential: send {"op":"auth","token":…}`);
    else
      this.err(asked, 'forbidden_topic', `${what} is not among what the credential allows: use another one`);
  }

  /** Settles when the work has; what goes wrong is told. Never rejects. */
  async whether(asked: Asked, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const error = thrown instanceof WebSubError ? NAMES[thrown.code] : undefined;
      if (error !== undefined) this.err(asked, error, reasonOf(thrown));
      else {
        this.#events.emit('fault', { where: `socket ${asked.op}`, error: thrown });
        this.err(asked, 'failed', 'the hub cannot do this at the moment: try again later');
      }
    }
  }
}

/** What is no fault of the hub's. */
const NAMES: Readonly<Record<string, ErrorName>> = {
  invalid_request: 'invalid',
  too_large: 'invalid',
  gone: 'gap',
  retry_later: 'busy',
};
