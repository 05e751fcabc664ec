import { RateLimit } from '../../protocol/rate-limit.js';
import type { Bridge } from '../bridge.js';
import type { Call, Conversation, Farewell, SocketEnd, SocketProtocol } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import type { LoomTopics } from '../loom/loom-topics.js';
import { CableConversation } from './cable-conversation.js';
import { CableCodec } from './codec.js';
import { disconnect, type DisconnectReason } from './messages.js';
import { CableSessions } from './sessions.js';

export interface CableProtocolOptions {
  readonly bridge: Bridge;
  readonly topics: LoomTopics;
  /** With which applications sign the names of streams; absent: no signature counts. */
  readonly streamsSecret: string | undefined;
}

/** AnyCable's extended protocol. */
const EXTENDED = 'actioncable-v1-ext-json';
/** In the order of preference. The last is how Rails tells a client that nothing of what it offers is known. */
const SUBPROTOCOLS = [EXTENDED, 'actioncable-v1-json', 'actioncable-unsupported'];

/** Why a connection ends, in the words of Action Cable, and whether coming back makes sense. */
const FAREWELLS: Partial<Record<SocketEnd, readonly [DisconnectReason, boolean, number]>> = {
  unauthorized: ['unauthorized', false, 1008],
  expired: ['token_expired', false, 1008],
  revoked: ['remote', false, 1008],
  bad_frame: ['invalid_request', false, 1003],
  too_large: ['invalid_request', false, 1009],
  rate: ['too_many', true, 1013],
  busy: ['too_many', true, 1013],
};
const JOINS = { perSecond: 2, burst: 64 };
const SERVER_RESTART = ['server_restart', true, 1001] as const;

/** Action Cable, as Rails speaks it, and AnyCable's extension of it. */
export class CableProtocol implements SocketProtocol {
  readonly paths = ['/cable', '/websocket'];
  readonly hides = true;
  readonly pingMs = 3_000;
  readonly lasts = true;
  readonly #options: CableProtocolOptions;
  readonly #codec: CableCodec;
  readonly #sessions: CableSessions;
  readonly #joins = new RateLimit(JOINS);

  constructor(options: CableProtocolOptions) {
    const { bridge, topics } = options;
    const { payloads, envelopes, log, clock } = bridge;
    this.#options = options;
    this.#codec = new CableCodec({ epoch: log.epoch, payloads, envelopes, topics });
    this.#sessions = new CableSessions(clock);
  }

  choose(offered: readonly string[]): string | undefined {
    return SUBPROTOCOLS.find((known) => offered.includes(known));
  }

  converse(socket: Socket, call: Call): Conversation {
    return new CableConversation({
      ...this.#options,
      ownTopics: this.#options.bridge.ownTopics,
      codec: this.#codec,
      sessions: this.#sessions,
      presence: this.#options.bridge.presence,
      joins: this.#joins,
      socket,
      call,
      isExtended: call.subprotocol === EXTENDED,
    });
  }

  farewell(end: SocketEnd): Farewell {
    const [reason, reconnect, code] = FAREWELLS[end] ?? SERVER_RESTART;
    return { text: disconnect(reason, reconnect), code, reason };
  }
}
