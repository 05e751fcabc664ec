import type { Clock, Random } from '@websub/shared';
import type { Attachment, ConsumerEnd } from './attachment.js';
import type { RenewablePermit } from './permit.js';
import type { Reader } from './reader.js';
import type { Readers } from './readers.js';
import type { Spread } from './retry-time.js';

/** Somebody who is connected and given entries, or waits for one. */
export interface OpenStream {
  readonly id: string;
  /** Entries given so far. */
  readonly entries: number;
  /** How often its client has taken nothing for a while although something waited. */
  readonly stalls: number;
  /** What its client may read; another credential may renew it. */
  readonly permit: RenewablePermit;
  readonly readers: Iterable<Reader>;
  /** The consumer that it reads with, if it is one reader whose place the hub keeps. */
  readonly attachment?: Attachment | undefined;
  /** Ends it; the client is told to come back after a while. */
  end(why: 'drain' | 'closed', spread?: Spread): void;
  /** Called about once a second. `now` is monotonic, `wallClock` milliseconds since the epoch. */
  look(now: number, wallClock: number): void;
}

/** Why a stream ended. */
export type StreamEnd =
  | 'client'
  | 'stalled'
  | 'max_age'
  | 'limit'
  | 'timeout'
  | 'gap'
  | 'drain'
  | 'expired'
  | 'revoked'
  | 'failed'
  | 'closed'
  // Those of sockets, whose clients speak too.
  | 'busy'
  | 'unauthorized'
  | 'no_pong'
  | 'bad_frame'
  | 'too_large'
  | 'rate'
  | ConsumerEnd;

/** What every stream is given: the same for all. */
export interface StreamCommons {
  readonly readers: Readers;
  readonly clock: Clock;
  readonly random: Random;
  /** Bytes that may wait for the client's network at this moment. */
  readonly window: () => number;
  readonly onEnd: (stream: OpenStream, end: StreamEnd) => void;
}

/** What makes a stream of this id. */
export type MakeStream = (id: string, commons: StreamCommons) => OpenStream;
