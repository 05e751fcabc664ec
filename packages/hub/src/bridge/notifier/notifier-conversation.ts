import { WebSubError } from '@websub/shared';
import type { Entry } from '../../log/log.js';
import type { Bridge } from '../bridge.js';
import type { Gap } from '../gap.js';
import type { Reader, Sink } from '../reader.js';
import { selectionOf } from '../selection.js';
import { messageOf } from '../socket/frames.js';
import type { Conversation } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import type { NotifierClients } from './notifier-clients.js';
import { announcementOf, type Announcement } from './notifier-words.js';

export interface NotifierConversationOptions {
  readonly bridge: Bridge;
  readonly clients: NotifierClients;
  readonly socket: Socket;
}

/** Events in one frame. */
const MOST_TOGETHER = 100;
export const WRONG_ANNOUNCEMENT = 'Wrong JSON announcement';

/** A client of notifier: says once who it is and from when on it wants events, and is given lists of them. */
export class NotifierConversation implements Conversation, Sink {
  readonly #options: NotifierConversationOptions;
  #accessId: string | undefined;
  #reader: Reader | undefined;
  /** Events on their way into one frame. */
  #together: string[] = [];
  #bytes = 0;

  constructor(options: NotifierConversationOptions) {
    this.#options = options;
  }

  receive(text: string): void | Promise<void> {
    // Whatever else a client says means nothing, as there.
    if (this.#accessId !== undefined) return undefined;
    const announced = announcementOf(text);
    if (announced !== undefined) return this.#announce(announced);
    this.#refuse();
    return undefined;
  }

  ended(): void {
    if (this.#accessId !== undefined) this.#options.clients.remove(this.#accessId, this.#options.socket);
  }

  room(): number {
    return Math.max(0, this.#options.socket.room() - this.#bytes);
  }

  /** What is given in one turn of the event loop, such as what was pushed together, goes in one frame. */
  entry({ content: { body } }: Entry): void {
    if (this.#together.length === 0) queueMicrotask(() => this.#flush());
    this.#together.push(Buffer.from(body).toString());
    this.#bytes += body.byteLength;
    if (this.#together.length >= MOST_TOGETHER) this.#flush();
  }

  /** There are no words for it: a client that announces itself again is given everything that is kept. */
  gap({ reason }: Gap): void {
    const { socket, bridge } = this.#options;
    if (reason === 'damaged')
      bridge.events.emit('fault', { where: 'notifier', error: new Error('an event is damaged') });
    else socket.end('gap');
  }

  live(): void {
    // It waits.
  }

  failed(): void {
    this.#options.socket.end('failed');
  }

  async #announce({ access_id: accessId, timestamp }: Announcement): Promise<void> {
    const { bridge, clients, socket } = this.#options;
    const topic = this.#topicOf(accessId);
    if (topic === undefined) {
      this.#refuse();
      return;
    }
    if (!socket.permit.mayRead(topic)) {
      socket.end('unauthorized');
      return;
    }
    this.#accessId = accessId;
    const position = await bridge.log.sinceEventTime(topic, timestamp);
    if (socket.hasEnded) return;
    clients.add(accessId, socket);
    this.#reader = socket.follow(
      {
        selection: selectionOf([topic], []),
        filter: { op: 'event-time', from: timestamp },
        onGap: 'earliest',
        position,
        permit: socket.permit,
      },
      this,
    );
  }

  /** `undefined` for a name that no topic holds. */
  #topicOf(accessId: string): string | undefined {
    try {
      return this.#options.bridge.ownTopics.of('clients', [accessId], 'access_id');
    } catch (error) {
      if (error instanceof WebSubError) return undefined;
      throw error;
    }
  }

  #refuse(): void {
    const { socket } = this.#options;
    socket.send(messageOf(WRONG_ANNOUNCEMENT));
    socket.end('bad_frame');
  }

  #flush(): void {
    const together = this.#together;
    this.#together = [];
    this.#bytes = 0;
    if (together.length === 0) return;
    this.#options.socket.give(messageOf(`[${together.join(',')}]`), together.length);
    this.#reader?.resume();
  }
}
