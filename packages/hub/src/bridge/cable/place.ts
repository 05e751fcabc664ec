import type { HotTail } from '../../log/hot-tail.js';
import type { Position } from '../../log/log.js';
import { begin } from '../begin.js';
import type { Gap } from '../gap.js';
import type { ReadRequest } from '../read-request.js';
import type { Start } from '../start.js';
import type { Channel } from './channel.js';
import type { HistoryWish } from './command.js';

/** Where a subscription begins, or goes on. */
export interface Place {
  readonly position: Position;
  /** What is missing before it, when the client is to be told. */
  readonly gap: Gap | undefined;
  /** What an AnyCable client hears of the history that it asked for: that it has come, once it has, or that there is none. */
  readonly history: 'asked' | 'lost' | undefined;
}

/** How the client put it, and how it is said again when something is missing. */
export interface PlaceWish {
  readonly start: Start;
  readonly isHistory: boolean;
}

/** What the channel's request is, from there. */
export function requestFrom({ request, saysOnGap }: Channel, { start, isHistory }: PlaceWish): ReadRequest {
  // AnyCable's clients load again what they show when there is no history: old updates would be in their way.
  const onGap = isHistory && !saysOnGap ? 'latest' : request.onGap;
  return { ...request, start, onGap, requested: wordsOf(start) };
}

/** Where reading begins; `undefined` when the client would rather have nothing than miss something. Rejects when the store fails. */
export async function findPlace(
  log: HotTail,
  request: ReadRequest,
  isHistory: boolean,
): Promise<Place | undefined> {
  const beginning = await begin(log, request);
  if (beginning.kind === 'refused') return undefined;
  const { position, gap } = beginning;
  if (!isHistory) return { position, gap, history: undefined };
  return { position, gap: undefined, history: gap === undefined ? 'asked' : 'lost' };
}

/**
 * Where an AnyCable client stands. What it was given last counts before what its identifier says, and that before when its
 * page was loaded, which it says with each first subscription. `undefined`: as the identifier says.
 */
export function startOfHistory(
  { saysSince }: Channel,
  stream: string,
  { streams, since }: HistoryWish,
): Start | undefined {
  const place = streams[stream];
  if (place !== undefined) return { kind: 'cursor', cursor: `${place.epoch}.${place.offset}` };
  if (saysSince || since === undefined) return undefined;
  return { kind: 'time', time: Math.floor(since * 1000) };
}

function wordsOf(start: Start): string {
  switch (start.kind) {
    case 'latest':
    case 'earliest':
      return start.kind;
    case 'cursor':
      return start.cursor;
    case 'id':
      return start.id;
    case 'time':
      return new Date(start.time).toISOString();
    case 'last':
      return `last:${start.count}`;
  }
}
