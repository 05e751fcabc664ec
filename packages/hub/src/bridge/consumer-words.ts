import { WebSubError } from '@websub/shared';
import { isClientSecret, isConsumerName, ownerOf } from '../consumer/consumer.js';
import { ACK_MODES } from './attachment.js';
import type { ConsumerRequest } from './consumer-roll.js';
import type { Permit } from './permit.js';
import { choice, one, wholeNumber } from './read-request.js';

/** What a reader says about a consumer, before it is known whose that is. */
export type ConsumerWords = Omit<ConsumerRequest, 'owner'> & { readonly client: string | undefined };

export const WINDOW = { least: 1, most: 1_000, usual: 256 };

/** Reads `consumer`, `client`, `ack`, `window` and `upto`; `undefined` without a consumer. Throws `invalid_request`. */
export function consumerWordsOf(params: URLSearchParams): ConsumerWords | undefined {
  const name = one(params, 'consumer');
  if (name === undefined) return undefined;
  return checkedWords({
    name,
    client: one(params, 'client'),
    ack: choice(params, 'ack', ACK_MODES) ?? 'auto',
    window: wholeNumber(params, 'window', WINDOW) ?? WINDOW.usual,
    upto: one(params, 'upto'),
  });
}

/** The same words; throws `invalid_request` when name or client are none. */
export function checkedWords(words: ConsumerWords): ConsumerWords {
  if (!isConsumerName(words.name))
    throw wrong('consumer is not 1 to 64 letters, digits, ".", "_", ":" or "-": choose another name');
  if (words.client !== undefined && !isClientSecret(words.client))
    throw wrong('client is not 16 to 256 characters: send a random one, such as a UUID, and the same again');
  return words;
}

/** Whose the consumer is. Throws `invalid_request` when it would be nobody's. */
export function consumerRequestOf(
  { client, ...words }: ConsumerWords,
  { principal }: Permit,
): ConsumerRequest {
  const owner = ownerOf(principal, client);
  if (owner === undefined)
    throw wrong("consumer has to be somebody's: send a credential, or client=RANDOM, the same each time");
  return { ...words, owner };
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
