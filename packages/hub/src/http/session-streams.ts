import type { Request, RequestHandler } from 'express';
import type { ControlStyle } from '../bridge/sse-format.js';
import { retryMs } from '../bridge/retry-time.js';
import { readPlace } from '../bridge/read-request.js';
import { selectionOf } from '../bridge/selection.js';
import { showSession, showUpdate } from '../bridge/waltid/session-update.js';
import {
  HEARTBEAT_SECONDS,
  MAX_AGE_MS,
  permitFor,
  sendBusy,
  stream,
  type EventStreamsOptions,
} from './event-streams.js';
import { readParameters } from './read-parameters.js';

interface SessionRoute {
  readonly path: string;
  readonly targetOf: (request: Request) => string;
  /** `session` in an event of the update's name, or the whole `update`. */
  readonly shows: 'session' | 'update';
}

const named = (name: string) => (request: Request) => String(request.params[name]);

/** Where walt.id's documentation and its services give the updates of a session. */
export const SESSION_ROUTES: readonly SessionRoute[] = [
  { path: '/sse/:target', targetOf: named('target'), shows: 'session' },
  { path: '/verification-session/:id/events', targetOf: named('id'), shows: 'update' },
  { path: '/issuer2/sessions/:id/events', targetOf: named('id'), shows: 'update' },
  { path: '/issuer2/events', targetOf: () => 'issuer2', shows: 'update' },
];

/** As many as walt.id replays. */
const USUAL_START = 'last:10';
/** What its services send first. */
const GREETING = Buffer.from('data: {}\n\n');
const CONTROLS: ControlStyle = 'comments';

/** The updates of a session or another target, for walt.id's clients. */
export function sessionStream(
  options: EventStreamsOptions,
  { targetOf, shows }: SessionRoute,
): RequestHandler {
  const { bridge } = options;
  return async (request, response) => {
    if (!options.isReady()) {
      sendBusy(bridge, response, 'not_ready', CONTROLS);
      return;
    }
    const { codec, payloads, random, ownTopics, clock } = bridge;
    const topic = ownTopics.of('targets', [targetOf(request)], 'target');
    const params = await readParameters(request);
    const place = readPlace(params, {
      lastEventId: request.get('last-event-id'),
      now: clock.now(),
      usual: USUAL_START,
    });
    const wanted = { selection: selectionOf([topic], []), filter: undefined, ...place };
    const permit = await permitFor(options, request, response, wanted, CONTROLS);
    if (permit === undefined) return;
    const isWhole = shows === 'update';
    await stream(bridge, {
      request,
      response,
      wanted,
      permit,
      manner: {
        frameOf: codec.framesBy(shows, isWhole ? showUpdate(payloads) : showSession(payloads)),
        ...(isWhole && { greeting: GREETING }),
        controls: CONTROLS,
        limit: Infinity,
        lastsMs: retryMs(random, MAX_AGE_MS),
        endsAs: 'max_age',
        heartbeatMs: HEARTBEAT_SECONDS.usual * 1000,
        tellsLive: false,
        saysBye: true,
      },
    });
  };
}
