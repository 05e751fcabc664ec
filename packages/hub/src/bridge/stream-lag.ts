import type { HotTail } from '../log/hot-tail.js';
import { behindOf } from './behind.js';
import type { Reader } from './reader.js';
import type { Readers } from './readers.js';
import type { OpenStream } from './open-stream.js';
import { nameOf, type Streams } from './streams.js';

/** How far the readers of one stream are behind, filters aside. */
export interface StreamLag {
  /** The beginning of its id. */
  readonly stream: string;
  readonly entries: number;
  readonly bytes: number;
}

export interface StreamLagOptions {
  readonly log: HotTail;
  readonly readers: Readers;
  readonly streams: Streams;
}

/** Streams whose lag is a metric: the others are less far behind, and one line for each of thousands helps nobody. */
const MOST_MEASURED = 20;

/** Rejects when the store fails. */
export async function lagOf(
  { log, readers }: StreamLagOptions,
  { id, readers: own }: OpenStream,
): Promise<StreamLag> {
  const each = await Promise.all(
    [...own].map((reader) => behindOf(log, reader.selection, readers.standOf(reader))),
  );
  return each.reduce<StreamLag>(
    (sum, one) => ({ ...sum, entries: sum.entries + one.entries, bytes: sum.bytes + one.bytes }),
    { stream: nameOf(id), entries: 0, bytes: 0 },
  );
}

/** Of the streams that are behind, those that are furthest. Rejects when the store fails. */
export async function furthestBehind(options: StreamLagOptions): Promise<readonly StreamLag[]> {
  const { streams, readers } = options;
  const behind = streams.list({ limit: Infinity }).flatMap((stream) => {
    const waiting = [...stream.readers].filter(isBehind);
    const oldest = Math.min(...waiting.map((reader) => readers.standOf(reader)));
    return waiting.length === 0 ? [] : [{ stream, oldest }];
  });
  const furthest = behind.toSorted((one, other) => one.oldest - other.oldest).slice(0, MOST_MEASURED);
  return Promise.all(furthest.map(({ stream }) => lagOf(options, stream)));
}

function isBehind({ state }: Reader): boolean {
  return state !== 'live' && state !== 'ended';
}
