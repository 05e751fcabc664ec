import { WebSubError } from '@websub/shared';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { topicAbout } from '../access/topic-about.js';
import type { Attachment } from '../bridge/attachment.js';
import { Attendant, checkedPresence, type PresenceWords } from '../bridge/attendant.js';
import { begin } from '../bridge/begin.js';
import type { Bridge } from '../bridge/bridge.js';
import type { ConsumerRequest } from '../bridge/consumer-roll.js';
import { consumerRequestOf, consumerWordsOf } from '../bridge/consumer-words.js';
import { EventStream, TAKEN_OVER, type EventManner } from '../bridge/event-stream.js';
import { gapHeader, incomplete, type Gap } from '../bridge/gap.js';
import { cursorOf } from '../bridge/locate.js';
import { mayBegin, RenewablePermit, type Permit } from '../bridge/permit.js';
import { choice, one, readRequestOf, wholeNumber, type ReadRequest } from '../bridge/read-request.js';
import { SSE_FORMATS } from '../bridge/sse-codec.js';
import { controlFrame, type ControlStyle } from '../bridge/sse-format.js';
import { retryMs } from '../bridge/retry-time.js';
import type { Opener } from '../bridge/streams.js';
import { isItsTurn, takeConnection } from './connection-of-stream.js';
import { refusalOf, sendRefusal, type Admit } from './entrance.js';
import { sendProblem } from './problem.js';
import { readParameters } from './read-parameters.js';

export interface EventStreamsOptions {
  readonly bridge: Bridge;
  readonly admit: Admit;
  /** False while the hub starts or stops. */
  readonly isReady: () => boolean;
}

export const READ_METHODS = 'GET, QUERY, POST';
export const HEARTBEAT_SECONDS = { least: 5, most: 60, usual: 15 };
export const MAX_AGE_MS = { least: 480_000, spread: 120_000 };
const LONGEST_SECONDS = 3_600;
/** Where there is no room somebody has to leave first; a hub that starts is there soon. */
const BUSY_RETRY_MS = {
  too_many: { least: 5_000, spread: 25_000 },
  not_ready: { least: 1_000, spread: 4_000 },
};

export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** `/v1/sse`: the entries of topics as Server-Sent Events. */
export function eventStreams(options: EventStreamsOptions): Router {
  const router = Router();
  router.all('/sse', onlyMethods(READ_METHODS), (request, response) =>
    openStream(options, request, response),
  );
  return router;
}

/** Whoever asks for the head of a stream only waits for no event of it. */
export const answerHead: RequestHandler = (request, response, next) => {
  if (request.method === 'HEAD') response.status(200).set(STREAM_HEADERS).end();
  else next();
};

export function onlyMethods(methods: string): RequestHandler {
  return (request, response, next) => {
    if (methods.split(', ').includes(request.method)) {
      next();
      return;
    }
    response.set('Allow', methods);
    sendProblem(response, 405, `method not allowed: use ${methods}`);
  };
}

async function openStream(options: EventStreamsOptions, request: Request, response: Response): Promise<void> {
  const { bridge } = options;
  if (!options.isReady()) {
    sendBusy(bridge, response, 'not_ready');
    return;
  }
  const params = await readParameters(request);
  const wanted = readRequestOf(params, request.get('last-event-id'), bridge.clock.now());
  const manner = mannerOf(params, bridge);
  const words = consumerWordsOf(params);
  const permit = await permitFor(options, request, response, wanted, 'events');
  if (permit === undefined) return;
  const consumer = words && consumerRequestOf(words, permit);
  const presence = presenceOf(params);
  // It was told that somebody else uses its consumer, and comes back by itself.
  if (consumer !== undefined && wanted.requested === TAKEN_OVER) response.status(204).end();
  else await stream(bridge, { request, response, wanted, permit, consumer, presence, manner });
}

/** Who the client says is there while it reads. Throws `invalid_request`. */
function presenceOf(params: URLSearchParams): PresenceWords | undefined {
  const name = one(params, 'presence');
  const state = one(params, 'state');
  if (name === undefined) return undefined;
  try {
    return checkedPresence({ name, state: state === undefined ? {} : (JSON.parse(state) as unknown) });
  } catch (error) {
    if (error instanceof WebSubError) throw error;
    throw new WebSubError('invalid_request', 'state is not JSON: write {"typing":true}');
  }
}

function mannerOf(params: URLSearchParams, { codec, random }: Bridge): EventManner {
  const { least, most, usual } = HEARTBEAT_SECONDS;
  const timeout = wholeNumber(params, 'timeout', { least: 1, most: LONGEST_SECONDS });
  const heartbeat = wholeNumber(params, 'heartbeat', { least, most }) ?? usual;
  const format = choice(params, 'format', SSE_FORMATS) ?? 'raw';
  const typed = choice(params, 'typed', ['0', '1']) === '1';
  const told = one(params, 'control')?.split(',') ?? [];
  return {
    frameOf: codec.framesOf(format, typed),
    limit: wholeNumber(params, 'limit', { least: 1, most: Number.MAX_SAFE_INTEGER }) ?? Infinity,
    ...(timeout === undefined
      ? { lastsMs: retryMs(random, MAX_AGE_MS), endsAs: 'max_age' }
      : { lastsMs: timeout * 1000, endsAs: 'timeout' }),
    heartbeatMs: heartbeat * 1000,
    tellsLive: told.includes('live'),
    tellsStream: told.includes('stream'),
    saysBye: true,
  };
}

/**
 * What the client may read; `undefined` when it has been answered that it may not. `style` is how a stream
 * tells that nobody knows at the moment; absent for a client that wants no stream.
 */
export async function permitFor(
  { bridge, admit }: EventStreamsOptions,
  request: Request,
  response: Response,
  { selection }: ReadRequest,
  style?: ControlStyle,
): Promise<RenewablePermit | undefined> {
  const entrance = await admit(request);
  if (mayBegin(entrance.grant, selection.topics)) return new RenewablePermit(bridge.gate, entrance.grant);
  // An error would end an EventSource for good, although nobody has said that the credential is wrong.
  if (entrance.kind === 'unavailable' && style !== undefined) sendBusy(bridge, response, 'not_ready', style);
  else sendRefusal(sendProblem, response, refusalOf(entrance, 'reading these topics'));
  return undefined;
}

export interface StreamWish {
  readonly request: Request;
  readonly response: Response;
  readonly wanted: ReadRequest;
  readonly permit: RenewablePermit;
  /** Default: its client keeps its place. */
  readonly consumer?: ConsumerRequest | undefined;
  /** Who is there while it is read. Default: nobody tells. */
  readonly presence?: PresenceWords | undefined;
  readonly manner: EventManner;
  /** Called once when the stream's connection has closed; not when it is answered that there will be no stream. */
  readonly onClosed?: (() => void) | undefined;
}

/** Opens the stream, if there is room for it and what is asked for is there. Rejects for what the client did wrong. */
export async function stream(bridge: Bridge, wish: StreamWish): Promise<void> {
  const { request, response, wanted, permit, consumer } = wish;
  const { streams, events } = bridge;
  if (!(await isItsTurn(response))) return;
  if (streams.isFull(openerOf(request, permit))) {
    sendBusy(bridge, response, 'too_many', wish.manner.controls);
    return;
  }
  let attachment: Attachment | undefined;
  try {
    attachment = consumer && (await bridge.consumers.attach(consumer, wanted));
    await openAt(bridge, wish, attachment);
  } catch (error) {
    attachment?.leave();
    if (error instanceof WebSubError && (error.code === 'invalid_request' || error.code === 'gone'))
      throw error;
    const isFull = error instanceof WebSubError && error.code === 'retry_later';
    if (!isFull) events.emit('fault', { where: 'reading', error });
    sendBusy(bridge, response, isFull ? 'too_many' : 'not_ready', wish.manner.controls);
  }
}

async function openAt(
  bridge: Bridge,
  { request, response, wanted, permit, presence, manner, onClosed }: StreamWish,
  attachment: Attachment | undefined,
): Promise<void> {
  const { log, streams } = bridge;
  const opener = openerOf(request, permit);
  const beginning = await begin(log, attachment === undefined ? wanted : attachment.from(wanted));
  if (beginning.kind === 'begun' && !streams.isFull(opener) && !response.closed && !response.destroyed) {
    const { position, gap } = beginning;
    const { selection, filter, onGap } = wanted;
    const reading = { selection, filter, onGap, position, permit };
    streams.open(opener, (id, commons) => {
      response.status(200).set({
        ...STREAM_HEADERS,
        'Hub-Stream': id,
        'Hub-Cursor': cursorOf(log, position),
        ...(gap === undefined ? {} : { 'Hub-Gap': gapHeader(gap) }),
      });
      const connection = takeConnection(response);
      const attendant = presence && attend(bridge, selection.topics, presence, permit);
      return new EventStream({
        id,
        commons,
        manner,
        connection,
        permit,
        reading,
        attachment,
        attendant,
        gap,
        onClosed,
      });
    });
    return;
  }
  attachment?.leave();
  if (beginning.kind === 'refused') sendIncomplete(response, beginning.gap);
  // Others may have come meanwhile, or this one have gone.
  else if (streams.isFull(opener)) sendBusy(bridge, response, 'too_many', manner.controls);
}

function attend(
  { presence }: Bridge,
  topics: readonly string[],
  words: PresenceWords,
  { principal }: Permit,
): Attendant {
  const attendant = new Attendant(presence);
  // Where there is no room for more, it reads all the same.
  for (const topic of topics) if (topicAbout(topic) === topic) attendant.join(topic, words, principal);
  return attendant;
}

export function openerOf({ ip = '' }: Request, { subject, mostStreams }: Permit): Opener {
  return { address: ip, subject, mostStreams };
}

/** A stream that ends at once and asks to come back: any other status than 200 would end an EventSource for good. */
export function sendBusy(
  { random }: Bridge,
  response: Response,
  reason: keyof typeof BUSY_RETRY_MS,
  style: ControlStyle = 'events',
): void {
  if (response.headersSent) return;
  const after = retryMs(random, BUSY_RETRY_MS[reason]);
  response
    .status(200)
    .set(STREAM_HEADERS)
    .end(controlFrame('busy', { reason, retry_ms: after }, { retryMs: after, style }));
}

/** What was asked for is not all there any more, and the client wants nothing less. */
export function sendIncomplete(response: Response, { requested, reason }: Gap): void {
  sendProblem(response, 410, incomplete(requested, reason).message);
}
