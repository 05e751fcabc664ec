import type { Call, Farewell, SocketEnd, SocketProtocol } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import { CLOSINGS } from './close-codes.js';
import { EventFrames } from './event-frames.js';
import { NativeConversation } from './native-conversation.js';
import type { NativeServices } from './native-services.js';
import type { ServerWord } from './words.js';

export type NativeProtocolOptions = Omit<NativeServices, 'frames'>;

export const NATIVE_PATH = '/v1/ws';
export const NATIVE_SUBPROTOCOL = 'hub.v1.json';

/** `/v1/ws`: topics over WebSocket, in words of our own. */
export class NativeProtocol implements SocketProtocol {
  readonly paths = [NATIVE_PATH];
  readonly #services: NativeServices;

  constructor(options: NativeProtocolOptions) {
    this.#services = { ...options, frames: new EventFrames(options.bridge.envelopes) };
  }

  choose(offered: readonly string[]): string | undefined {
    return offered.find((subprotocol) => subprotocol === NATIVE_SUBPROTOCOL);
  }

  converse(socket: Socket, { address }: Call): NativeConversation {
    return new NativeConversation(this.#services, socket, address);
  }

  farewell(end: SocketEnd, afterMs: number): Farewell {
    const { code, reconnect } = CLOSINGS[end];
    const word: ServerWord = {
      op: 'bye',
      code,
      reason: end,
      reconnect,
      ...(reconnect ? { after_ms: afterMs } : {}),
    };
    return { text: JSON.stringify(word), code, reason: end };
  }
}
