import { WebSubError } from '@websub/shared';
import { checkedWords, consumerRequestOf, WINDOW } from '../consumer-words.js';
import type { ConsumerRequest } from '../consumer-roll.js';
import type { Permit } from '../permit.js';
import { readRequestOf, type ReadRequest } from '../read-request.js';
import type { Word } from './words.js';

/** What a client wants to read, in the words of every reader. Throws `invalid_request` with the cure. */
export function readRequestOfWord(word: Word<'sub'>, now: number): ReadRequest {
  const { topics = [], match = [], where = [], type = [], filter, on_gap: onGap } = word;
  const params = new URLSearchParams(startOfWord(word.from));
  for (const topic of topics) params.append('topic', topic);
  for (const pattern of match) params.append('match_urlpattern', pattern);
  for (const condition of where) params.append('where', condition);
  for (const one of type) params.append('type', one);
  if (filter !== undefined) params.set('filter', JSON.stringify(filter));
  if (onGap !== undefined) params.set('on_gap', onGap);
  return readRequestOf(params, undefined, now);
}

/** The consumer that the client wants to read with; `undefined` without one. Throws `invalid_request` with the cure. */
export function consumerOfWord(word: Word<'sub'>, permit: Permit): ConsumerRequest | undefined {
  const { consumer, ack, client, window, upto } = word;
  if (consumer === undefined) {
    if (ack === undefined || ack === 'none') return undefined;
    throw wrong('ack needs a consumer, whose place the hub keeps: send its name');
  }
  if (ack === 'none') throw wrong('a consumer acknowledges: send ack auto or explicit');
  const words = { name: consumer, client, ack: ack ?? 'auto', window: window ?? WINDOW.usual, upto };
  return consumerRequestOf(checkedWords(words), permit);
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}

/** The same with another beginning. */
export function rewound(request: ReadRequest, from: Word<'rewind'>['from'], now: number): ReadRequest {
  // A beginning is read together with something to read.
  const params = new URLSearchParams(startOfWord(from));
  params.set('match_urlpattern', '*');
  const { start, requested, resumes } = readRequestOf(params, undefined, now);
  return { ...request, start, requested, resumes };
}

function startOfWord(from: Word<'sub'>['from']): Record<string, string> {
  if (from === undefined) return {};
  // A cursor or an id is where a reader stands, never a time.
  if (typeof from === 'string') return { last_event_id: from };
  if ('since' in from) return { since: String(from.since) };
  return 'last' in from ? { since: `last:${from.last}` } : { look_back: String(from.look_back) };
}
