import { WebSubError } from '@websub/shared';
import type { Attachment } from '../attachment.js';
import type { Bridge } from '../bridge.js';
import type { ConsumerRequest } from '../consumer-roll.js';
import type { KeptConsumer } from '../kept-consumer.js';
import type { Channel } from './channel.js';
import { findPlace, requestFrom, type Place, type PlaceWish } from './place.js';

/** Where a subscription goes on, and who keeps its place from then on. */
export interface Opening {
  readonly place: Place;
  readonly attachment: Attachment | undefined;
}

/**
 * Finds where a subscription begins: where its consumer is, or as it wishes. `undefined` when it cannot begin, for what its client
 * asks for. Rejects when the store fails.
 */
export async function open(
  { consumers, log }: Bridge,
  channel: Channel,
  wish: PlaceWish,
  keeping: ConsumerRequest | undefined,
): Promise<Opening | undefined> {
  const request = requestFrom(channel, wish);
  let attachment: Attachment | undefined;
  try {
    attachment = keeping && (await consumers.attach(keeping, request));
    const place = await findPlace(log, attachment?.from(request) ?? request, wish.isHistory);
    if (place !== undefined) return { place, attachment };
    attachment?.leave();
    return undefined;
  } catch (error) {
    attachment?.leave();
    if (error instanceof WebSubError && error.code !== 'store_failed') return undefined;
    throw error;
  }
}

/** Moves a consumer to where its client wishes; settles with that place, `undefined` when there is none and it was not moved. */
export async function move(
  { consumers, log }: Bridge,
  consumer: KeptConsumer,
  channel: Channel,
  wish: PlaceWish,
): Promise<Place | undefined> {
  const place = await findPlace(log, requestFrom(channel, wish), wish.isHistory);
  if (place !== undefined) await consumers.seek(consumer, place.position);
  return place;
}
