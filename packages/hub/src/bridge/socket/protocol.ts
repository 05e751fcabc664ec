import type { Entrance } from '../../gate/gate.js';
import type { StreamEnd } from '../open-stream.js';
import type { Socket } from './socket.js';

/** What is spoken over WebSocket at some paths. */
export interface SocketProtocol {
  /** Paths as they are, such as `/v1/ws`; the last segment may be left open, as in `/v1/c/:token`. */
  readonly paths: readonly string[];
  /**
   * Whether whoever may not connect is answered 404, as Rails does: over HTTP, and pages of other origins.
   * Default: they are told what to do instead.
   */
  readonly hides?: boolean;
  /** Milliseconds between two pings, whose pongs are what {@link Conversation.watermark} is about. Default 25,000. */
  readonly pingMs?: number;
  /**
   * Whether connections last until somebody ends them, for clients that would miss what is published until they are back.
   * Default: they are told to come back after an hour or less.
   */
  readonly lasts?: boolean;
  /** Whether a binary message is read as the text that it holds. Default: it ends the connection as `bad_frame`. */
  readonly readsBinary?: boolean;
  /** The subprotocol to answer with, one of those offered; `undefined` for none. Credentials are not among them. */
  choose(offered: readonly string[]): string | undefined;
  /**
   * Begins to talk with a client that has connected. It may be anybody: whoever showed a credential that is not good was
   * sent away before. May already send, and may end the socket.
   */
  converse(socket: Socket, call: Call): Conversation;
  /** How a client is told that its connection ends. `afterMs`: when it shall come back, where coming back makes sense. */
  farewell(end: SocketEnd, afterMs: number): Farewell;
}

/** How a client has connected. */
export interface Call {
  /** Who it is: anybody, or admitted. What it may do is asked of the socket's permit, which may be renewed. */
  readonly entrance: Entrance;
  /** The path of the address; it may be known to nobody else. */
  readonly path: string;
  /** The query of the address. */
  readonly params: URLSearchParams;
  /** Empty for none. */
  readonly subprotocol: string;
  readonly address: string;
}

/** One side of the talk with one client. The {@link Socket} calls it; none of this is called after {@link Conversation.ended}. */
export interface Conversation {
  /**
   * A text message. While a promise that was returned is pending nothing more is read from the client: messages are
   * answered one after the other. A rejection ends the socket as `failed`.
   */
  receive(text: string): void | Promise<void>;
  /** The credential ends soon, at this time (milliseconds since the epoch). Told once for each credential. */
  expiring?(endsAt: number): void;
  /** Called about once a second, whatever is under way: what is sent here data cannot starve. `now` is monotonic. */
  look?(now: number): void;
  /**
   * Asked when the peer is pinged: what is returned is called when its pong came, and then the peer has everything that
   * was sent before this was asked. For clients that acknowledge nothing by themselves.
   */
  watermark?(): () => void;
  /** As {@link SocketProtocol.farewell}, where the words depend on what was talked about. */
  farewell?(end: SocketEnd, afterMs: number): Farewell;
  /** The socket has ended, and its readers with it. */
  ended?(end: SocketEnd): void;
}

export type SocketEnd = StreamEnd;

/** The last words to a client. */
export interface Farewell {
  /** A last message. */
  readonly text?: string;
  /** The code of the close frame (RFC 6455 §7.4): 1000 to 1011, or 4000 to 4999. */
  readonly code: number;
  /** At most 123 bytes. */
  readonly reason: string;
}
