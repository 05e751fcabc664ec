import { parseWebUrl, WebSubError } from '@websub/shared';
import { topicAbout } from '../access/topic-about.js';
import { allOf, parseFilter, parseWhere, type Filter } from './filter.js';
import { GAP_POLICIES, type GapPolicy } from './gap.js';
import { selectionOf, type Selection } from './selection.js';
import { startOf, type Start } from './start.js';
import { parseUrlPattern } from './url-pattern.js';

/** What somebody asks to read, whatever it is read by. */
export interface ReadRequest {
  readonly selection: Selection;
  readonly filter: Filter | undefined;
  readonly start: Start;
  /** Whether the client comes back with the id of an event, and does not begin by its own words. */
  readonly resumes: boolean;
  /** As the client put it, for a gap. */
  readonly requested: string;
  readonly onGap: GapPolicy;
}

const MOST_TOPICS = 256;
const MOST_CONDITIONS = 32;
const MOST_TYPES = 100;

/**
 * Reads the parameters that every reader has: `topic`, `match_urlpattern`, `type`, `where`, `filter`, `since`, `look_back`,
 * `last_event_id`, `on_gap`. What is unknown is ignored. `lastEventId` is the header, `now` milliseconds since the epoch.
 *
 * Throws `invalid_request` with the cure.
 */
export function readRequestOf(
  params: URLSearchParams,
  lastEventId: string | undefined,
  now: number,
): ReadRequest {
  return {
    selection: readSelection(params),
    filter: readFilter(params),
    ...readPlace(params, { lastEventId, now }),
  };
}

/** The id of the last event that a client had: by the header, or where it cannot send that, by a parameter. */
export function lastEventIdOf(params: URLSearchParams, header: string | undefined): string | undefined {
  return header || oneOf(params, ['last_event_id', 'lastEventID', 'lastEventId']);
}

/** What somebody says about where to begin. */
export interface PlaceWords {
  /** The header. */
  readonly lastEventId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The `since` of who says nothing. Default `latest`. */
  readonly usual?: string;
}

/** Reads where to begin, and what to do when that is not there: `since`, `look_back`, `last_event_id`, `on_gap`. */
export function readPlace(
  params: URLSearchParams,
  { lastEventId, now, usual }: PlaceWords,
): Pick<ReadRequest, 'start' | 'resumes' | 'requested' | 'onGap'> {
  const lookBack = one(params, 'look_back');
  const words = {
    lastEventId: lastEventIdOf(params, lastEventId),
    since: one(params, 'since') ?? (lookBack === undefined ? usual : undefined),
    lookBack,
  };
  return {
    start: startOf(words, now),
    resumes: Boolean(words.lastEventId),
    requested: words.lastEventId || words.since || words.lookBack || 'latest',
    onGap: choice(params, 'on_gap', GAP_POLICIES) ?? 'earliest',
  };
}

function readSelection(params: URLSearchParams): Selection {
  const topics = params.getAll('topic');
  const patterns = params.getAll('match_urlpattern');
  const count = topics.length + patterns.length;
  if (count === 0) throw wrong('topic is missing: send topic=URL, or match_urlpattern=https://host/*');
  if (count > MOST_TOPICS) throw wrong(`there are more than ${MOST_TOPICS} topics and patterns: send fewer`);
  for (const topic of topics) parseWebUrl(topicAbout(topic), 'topic');
  return selectionOf(topics, patterns.map(parseUrlPattern));
}

function readFilter(params: URLSearchParams): Filter | undefined {
  const wheres = params.getAll('where');
  if (wheres.length > MOST_CONDITIONS)
    throw wrong(`where is given more than ${MOST_CONDITIONS} times: send fewer`);
  const types = params
    .getAll('type')
    .flatMap((list) => list.split(','))
    .filter((type) => type !== '');
  if (types.length > MOST_TYPES) throw wrong(`type names more than ${MOST_TYPES} types: send fewer`);
  const filter = one(params, 'filter');
  return allOf([
    ...(types.length === 0 ? [] : [{ op: 'in', path: { of: 'type' }, values: types } as const]),
    ...wheres.map(parseWhere),
    ...(filter === undefined ? [] : [parseFilter(filter)]),
  ]);
}

/** The parameter's value, if it is there and not empty. */
export function one(params: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = params.getAll(name);
  if (others.length > 0) throw wrong(`${name} is given more than once: send it once`);
  return value === '' ? undefined : value;
}

/** The first of these names that is there: clients write it differently. */
function oneOf(params: URLSearchParams, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = one(params, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

export function choice<Value extends string>(
  params: URLSearchParams,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = one(params, name);
  const value = values.find((known) => known === given);
  if (given !== undefined && value === undefined)
    throw wrong(`${name} is none of ${values.join(', ')}: choose one`);
  return value;
}

export function wholeNumber(
  params: URLSearchParams,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  const given = one(params, name);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (!/^\d+$/.test(given) || number < least || number > most)
    throw wrong(`${name} is no whole number from ${least} to ${most}: send another one`);
  return number;
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
