import type { Bridge } from '../bridge.js';
import type { Conversation, Farewell, SocketEnd, SocketProtocol } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import type { NotifierClients } from './notifier-clients.js';
import { NotifierConversation, WRONG_ANNOUNCEMENT } from './notifier-conversation.js';

export interface NotifierProtocolOptions {
  readonly bridge: Bridge;
  readonly clients: NotifierClients;
}

/** Codes of RFC 6455 §7.4 and of its registry: that of a client that is dropped, and its reason, are notifier's own. */
const FAREWELLS: Partial<Record<SocketEnd, readonly [code: number, reason: string]>> = {
  closed: [1000, 'close'],
  busy: [1013, 'too busy'],
  bad_frame: [1007, WRONG_ANNOUNCEMENT],
  too_large: [1009, 'the message is too large'],
  rate: [1008, 'too many messages'],
  unauthorized: [1008, 'this credential may not read these events'],
  expired: [1008, 'the credential has expired'],
  revoked: [1008, 'the credential was revoked'],
  gap: [1011, 'events are missing: announce yourself again'],
  failed: [1011, 'the hub failed'],
};
const GOING_AWAY = [1001, 'come back after a while'] as const;

/** What clients of ernius/notifier speak. */
export class NotifierProtocol implements SocketProtocol {
  readonly paths = ['/subscribe_to_events'];
  readonly pingMs = 30_000;
  /** As there. */
  readonly readsBinary = true;
  readonly #options: NotifierProtocolOptions;

  constructor(options: NotifierProtocolOptions) {
    this.#options = options;
  }

  choose(): undefined {
    return undefined;
  }

  converse(socket: Socket): Conversation {
    return new NotifierConversation({ ...this.#options, socket });
  }

  farewell(end: SocketEnd): Farewell {
    const [code, reason] = FAREWELLS[end] ?? GOING_AWAY;
    return { code, reason };
  }
}
