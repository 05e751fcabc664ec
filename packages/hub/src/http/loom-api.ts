import { Router, type Request, type Response } from 'express';
import { may, type Grant } from '../access/grant.js';
import { NO_TOPIC } from '../access/topic-scope.js';
import type { Bridge } from '../bridge/bridge.js';
import { EVENTS_PER_PAGE, findEvents } from '../bridge/loom/event-pages.js';
import { EVENT_NAME, readNewEvent, type LoomErrors, type LoomEvent } from '../bridge/loom/loom-event.js';
import type { LoomTopics } from '../bridge/loom/loom-topics.js';
import { mayReceive, permitOf } from '../bridge/permit.js';
import { selectionOf, type Selection } from '../bridge/selection.js';
import { parseUrlPattern } from '../bridge/url-pattern.js';
import { addressBelow } from '../hub-address.js';
import type { Admission } from '../protocol/admission.js';
import type { Publications } from '../protocol/publication.js';
import { refusalOf, sendRefusal, type Admit } from './entrance.js';
import { onlyMethods } from './event-streams.js';
import { sendProblem } from './problem.js';
import { jsonOf, requireJson } from './json-of.js';
import { readUtf8 } from './read-body.js';
import { sendTooMany } from './too-many.js';

export interface LoomApiOptions {
  readonly bridge: Bridge;
  readonly topics: LoomTopics;
  readonly publications: Publications;
  readonly admission: Admission | undefined;
  readonly admit: Admit;
  readonly hubUrl: () => string;
}

const EVENTS_PATH = '/api/v1/events';
const LONGEST_BODY_BYTES = 16 * 1024;
/** Searches at the same time: each reads what is stored. */
const MOST_SEARCHES = 2;
const TRY_AGAIN_MS = 1_000;
const MOST_PAGES = 1_000_000;
/** Entries with one id that are looked at. */
const MOST_NAMED = 1_000;
const TAKEN: LoomErrors = { id: ['has already been taken'] };

/** `/api/v1/events`: events are published and pulled as with Zaikio Loom. */
export function loomApi(options: LoomApiOptions): Router {
  const router = Router();
  const search = { running: 0 };
  router.all(EVENTS_PATH, onlyMethods('GET, HEAD, POST'));
  router.post(EVENTS_PATH, (request, response) => publishEvent(options, request, response));
  router.get(EVENTS_PATH, async (request, response) => {
    if (search.running >= MOST_SEARCHES) {
      sendTooMany(response, {
        kind: 'too-many',
        detail: 'too many searches are under way',
        retryAfterMs: TRY_AGAIN_MS,
      });
      return;
    }
    search.running += 1;
    try {
      await answerPage(options, request, response);
    } finally {
      search.running -= 1;
    }
  });
  return router;
}

async function publishEvent(options: LoomApiOptions, request: Request, response: Response): Promise<void> {
  const { bridge, topics, publications } = options;
  const entrance = await options.admit(request);
  const refusal = entrance.kind === 'admitted' ? undefined : options.admission?.client(request.ip ?? '');
  if (refusal !== undefined) {
    sendTooMany(response, refusal);
    return;
  }
  const body = await readJson(request);
  if (entrance.grant.scopes.publish === NO_TOPIC) {
    sendRefusal(sendProblem, response, refusalOf(entrance, 'publishing events'));
    return;
  }
  const read = readNewEvent(body);
  if (read.kind === 'wrong') {
    sendErrors(response, read.errors);
    return;
  }
  const topic = topics.topicOf(read.event);
  if (!may(entrance.grant, 'publish', topic)) {
    sendRefusal(sendProblem, response, refusalOf(entrance, `publishing ${read.event.name}`));
    return;
  }
  const { id, name } = read.event;
  const event: LoomEvent = { ...read.event, received_at: new Date(bridge.clock.now()).toISOString() };
  // The same event of another name or organisation; of the same topic the log tells.
  const isTaken = (await bridge.log.named(id, MOST_NAMED)).some(
    (named) => topics.addressOf(named.topic) !== undefined,
  );
  const published = isTaken
    ? undefined
    : await publications.publish({
        topic,
        id,
        type: name,
        content: { body: Buffer.from(JSON.stringify(event)), contentType: 'application/json' },
        headers: {},
      });
  if (published?.fresh !== true) {
    sendErrors(response, TAKEN);
    return;
  }
  response.status(201).set('Hub-Cursor', published.cursor).json(event);
}

async function readJson(request: Request): Promise<unknown> {
  requireJson(request);
  const body = await readUtf8(request, LONGEST_BODY_BYTES);
  return jsonOf(body, '{"event": {…}}');
}

async function answerPage(options: LoomApiOptions, request: Request, response: Response): Promise<void> {
  const { bridge, topics } = options;
  const entrance = await options.admit(request);
  if (entrance.grant.scopes.read === NO_TOPIC || !topics.mayBegin(entrance.grant)) {
    sendRefusal(sendProblem, response, refusalOf(entrance, 'reading events'));
    return;
  }
  const params = new URLSearchParams(request.originalUrl.split('?')[1]);
  const wish = readWish(params);
  if ('errors' in wish) {
    sendErrors(response, wish.errors);
    return;
  }
  const leaving = new AbortController();
  response.once('close', () => leaving.abort());
  const { name, from, to, page } = wish;
  const permit = permitOf(bridge.gate, entrance.grant);
  const found = await findEvents(bridge.log, topics, {
    selection: selectionFor(topics, entrance.grant, name),
    mayReceive: (entry, payload) => mayReceive(permit, entry, payload),
    from,
    to,
    page,
    signal: leaving.signal,
  });
  if (found === undefined) return;
  const count = String(found.count);
  response
    .set({ 'Total-Count': count, 'X-Total-Count': count, 'Cache-Control': 'no-store' })
    .set('Link', linksOf(addressBelow(options.hubUrl(), EVENTS_PATH.slice(1)), params, page, found.count))
    .json(found.events);
}

function selectionFor(topics: LoomTopics, { organisation }: Grant, name: string | undefined): Selection {
  if (organisation === undefined) return selectionOf([], [parseUrlPattern(topics.patternOf(name))]);
  return name === undefined
    ? selectionOf([], [parseUrlPattern(topics.patternOfOrganisation(organisation))])
    : selectionOf([topics.topicOfOrganisation(organisation, name)], []);
}

interface EventsWish {
  readonly name: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly page: number;
}

function readWish(params: URLSearchParams): EventsWish | { readonly errors: LoomErrors } {
  const errors: Record<string, string[]> = {};
  const name = params.get('filter[name]') || undefined;
  if (name !== undefined && !EVENT_NAME.test(name)) errors['name'] = ['is not APP.EVENT'];
  const time = (field: 'from' | 'to', absent: number): number => {
    const given = params.get(`filter[${field}]`);
    const found = given === null || given === '' ? absent : timeOf(given);
    if (Number.isNaN(found)) errors[field] = ['invalid date-time'];
    return found;
  };
  const from = time('from', -Infinity);
  const to = time('to', Infinity);
  const page = Number(params.get('page') || '1');
  if (!Number.isInteger(page) || page < 1 || page > MOST_PAGES)
    errors['page'] = ['is not a number from 1 on'];
  return Object.keys(errors).length === 0 ? { name, from, to, page } : { errors };
}

/** Without a zone it is UTC; of a day, its beginning. */
function timeOf(text: string): number {
  // In a query a plus sign that nobody escaped is a space.
  const [, day, time, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]?\d\d:?\d\d)?)?$/i.exec(text) ?? [];
  if (day === undefined) return NaN;
  const offset = zone === undefined || /^[Z+-]/i.test(zone) ? (zone ?? 'Z') : `+${zone}`;
  return Date.parse(`${day}T${time ?? '00:00'}${offset}`);
}

/** RFC 8288. */
function linksOf(url: URL, params: URLSearchParams, page: number, count: number): string {
  const last = Math.max(Math.ceil(count / EVENTS_PER_PAGE), 1);
  const link = (to: number, rel: string): string => {
    const query = new URLSearchParams(params);
    query.set('page', String(to));
    return `<${url.href}?${query.toString()}>; rel="${rel}"`;
  };
  return [
    ...(page < last ? [link(page + 1, 'next')] : []),
    link(last, 'last'),
    link(1, 'first'),
    ...(page > 1 ? [link(Math.min(page - 1, last), 'prev')] : []),
  ].join(', ');
}

function sendErrors(response: Response, errors: LoomErrors): void {
  response.status(422).json({ errors });
}
