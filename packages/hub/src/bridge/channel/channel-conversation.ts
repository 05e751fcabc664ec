import { z } from 'zod';
import type { Entry } from '../../log/log.js';
import type { Attachment, ConsumerEnd, ConsumerSink } from '../attachment.js';
import { begin } from '../begin.js';
import type { Bridge } from '../bridge.js';
import { gapView, type Gap } from '../gap.js';
import { cursorOf } from '../locate.js';
import type { Reader } from '../reader.js';
import type { Shelf } from '../shelf.js';
import type { Message } from '../socket/frames.js';
import type { Conversation, Farewell, SocketEnd } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import { confirmationOf, grantOf } from './channel-words.js';
import { consumerRequest, readRequest, type Channel, type Channels, type Listener } from './channels.js';

export interface ChannelConversationOptions {
  readonly bridge: Bridge;
  readonly channels: Channels;
  readonly channel: Channel;
  readonly token: string;
  readonly socket: Socket;
  readonly messages: Shelf<Message>;
  readonly farewell: (end: SocketEnd, topic: string) => Farewell;
}

/** What a subscriber says of an update that it was given, as a callback does by the status of its answer (FHIRcast 2.5). */
const outcome = z.object({
  id: z.string(),
  status: z.coerce.number().int().min(100).max(599),
});

const AGAIN_MS = { first: 1_000, most: 60_000 };

/** The talk with a subscriber that has connected to its channel: confirmation, updates, and what it says of each. */
export class ChannelConversation implements Conversation, ConsumerSink, Listener {
  readonly #options: ChannelConversationOptions;
  /** Where the updates lie that were given and not acknowledged, by their ids, the oldest first. */
  readonly #given = new Map<string, string[]>();
  /** How often an update was refused, by where it lies. */
  readonly #refusals = new Map<string, number>();
  readonly #leave: () => void;
  #attachment: Attachment | undefined;
  #reader: Reader | undefined;
  /** What is read at the moment. */
  #events: readonly string[] = [];

  constructor(options: ChannelConversationOptions) {
    this.#options = options;
    const { channels, channel, socket } = options;
    socket.permit.renew(grantOf(channel.channel));
    this.#leave = channels.join(channel, this);
    this.#begin();
  }

  async receive(text: string): Promise<void> {
    const { socket } = this.#options;
    const parsed = outcome.safeParse(valueOf(text));
    if (!parsed.success) {
      socket.end('bad_frame');
      return;
    }
    const { id, status } = parsed.data;
    const cursors = this.#given.get(id);
    const cursor = cursors?.shift();
    // What was acknowledged before a connection broke may be acknowledged again.
    if (cursors === undefined || cursor === undefined || this.#attachment === undefined) return;
    if (cursors.length === 0) this.#given.delete(id);
    if (status >= 200 && status < 300) {
      this.#refusals.delete(cursor);
      await this.#attachment.ackOne(cursor);
      return;
    }
    const refusals = (this.#refusals.get(cursor) ?? 0) + 1;
    this.#refusals.set(cursor, refusals);
    await this.#attachment.nack(cursor, Math.min(AGAIN_MS.first * 2 ** (refusals - 1), AGAIN_MS.most));
  }

  room(): number {
    return this.#options.socket.room();
  }

  entry(entry: Entry): void {
    const { bridge, socket, messages } = this.#options;
    const cursor = cursorOf(bridge.log, entry.position);
    const cursors = this.#given.get(entry.id);
    if (cursors === undefined) this.#given.set(entry.id, [cursor]);
    else cursors.push(cursor);
    socket.give(messages.of(entry));
  }

  gap(gap: Gap): void {
    this.#options.socket.tell({ event: 'gap', ...gapView(gap) });
  }

  live(): void {}

  failed(): void {
    this.#options.socket.end('failed');
  }

  end(why: ConsumerEnd): void {
    this.#options.socket.end(why);
  }

  renewed(): void {
    const { channel, socket } = this.#options;
    socket.permit.renew(grantOf(channel.channel));
    if (channel.channel.events.join() === this.#events.join()) {
      this.#confirm();
      return;
    }
    if (this.#reader !== undefined) socket.unfollow(this.#reader);
    this.#begin();
  }

  farewell(end: SocketEnd): Farewell {
    return this.#options.farewell(end, this.#options.channel.channel.topic);
  }

  ended(): void {
    this.#leave();
  }

  #begin(): void {
    const { bridge, socket } = this.#options;
    this.#read().catch((error: unknown) => {
      bridge.events.emit('fault', { where: 'channels', error });
      socket.end('failed');
    });
  }

  /** Begins with what was given before and not acknowledged. */
  async #read(): Promise<void> {
    const { bridge, channel, token, socket } = this.#options;
    this.#events = channel.channel.events;
    this.#given.clear();
    const wanted = readRequest(channel.channel);
    const attachment = await bridge.consumers.attach(consumerRequest(token, channel.channel), wanted);
    const beginning = await begin(bridge.log, attachment.from(wanted));
    if (beginning.kind === 'refused' || socket.hasEnded) {
      attachment.leave();
      return;
    }
    this.#confirm();
    const { position, gap } = beginning;
    if (gap !== undefined) this.gap(gap);
    this.#attachment = attachment;
    const { selection, filter, onGap } = wanted;
    this.#reader = socket.followAs(
      attachment,
      { selection, filter, onGap, position, permit: socket.permit },
      this,
    );
  }

  #confirm(): void {
    const { bridge, channel, socket } = this.#options;
    socket.tell(confirmationOf(channel.channel, bridge.clock.now()));
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
