import { CLOSINGS } from '../native/close-codes.js';
import type { Bridge } from '../bridge.js';
import { Shelf } from '../shelf.js';
import { bytesOf, messageOf, type Message } from '../socket/frames.js';
import type { Call, Conversation, Farewell, SocketEnd, SocketProtocol } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import { ChannelConversation } from './channel-conversation.js';
import { denialOf, NO_CHANNEL } from './channel-words.js';
import { CHANNEL_PATH, type Channels } from './channels.js';

export interface ChannelProtocolOptions {
  readonly bridge: Bridge;
  readonly channels: Channels;
}

const SHELF_BYTES = 16 * 1024 * 1024;

/** Ends after which nothing more comes, whoever connects again: the subscriber has to subscribe anew. */
const DENIALS: Partial<Record<SocketEnd, string>> = {
  unauthorized: NO_CHANNEL,
  expired: 'the lease has ended: subscribe again',
  revoked: 'the credential that this was asked for with was revoked',
  removed: 'the subscription has ended',
};

/** `/v1/c/…`: WebSub channels over WebSocket, as FHIRcast has them. */
export class ChannelProtocol implements SocketProtocol {
  readonly paths = [`${CHANNEL_PATH}:token`];
  readonly #options: ChannelProtocolOptions;
  readonly #messages: Shelf<Message>;

  constructor(options: ChannelProtocolOptions) {
    this.#options = options;
    const { envelopes } = options.bridge;
    this.#messages = new Shelf(SHELF_BYTES, (entry) => messageOf(envelopes.of(entry)), bytesOf);
  }

  choose(): undefined {
    return undefined;
  }

  converse(socket: Socket, { path }: Call): Conversation {
    const { bridge, channels } = this.#options;
    const token = path.slice(CHANNEL_PATH.length);
    const channel = channels.find(token);
    if (channel?.channel.type !== 'websocket') {
      socket.end('unauthorized');
      return { receive: () => undefined };
    }
    return new ChannelConversation({
      bridge,
      channels,
      channel,
      token,
      socket,
      messages: this.#messages,
      farewell: (end, topic) => farewellOf(end, topic),
    });
  }

  farewell(end: SocketEnd): Farewell {
    return farewellOf(end);
  }
}

function farewellOf(end: SocketEnd, topic?: string): Farewell {
  const { code } = CLOSINGS[end];
  const denial = DENIALS[end];
  return {
    ...(denial !== undefined && { text: JSON.stringify(denialOf(topic, denial)) }),
    code,
    reason: end,
  };
}
