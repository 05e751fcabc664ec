import { Router, type Request, type Response } from 'express';
import type { Attachment } from '../bridge/attachment.js';
import { AwaitedEntries, type Awaited } from '../bridge/awaited-entries.js';
import { begin } from '../bridge/begin.js';
import type { Bridge } from '../bridge/bridge.js';
import type { ConsumerRequest } from '../bridge/consumer-roll.js';
import { consumerRequestOf, consumerWordsOf } from '../bridge/consumer-words.js';
import { gapHeader } from '../bridge/gap.js';
import type { RenewablePermit } from '../bridge/permit.js';
import { choice, readRequestOf, wholeNumber, type ReadRequest } from '../bridge/read-request.js';
import { SSE_FORMATS } from '../bridge/sse-codec.js';
import { wasGiven } from '../bridge/was-given.js';
import {
  onlyMethods,
  openerOf,
  permitFor,
  READ_METHODS,
  sendBusy,
  sendIncomplete,
  stream,
  type EventStreamsOptions,
} from './event-streams.js';
import { sendProblem } from './problem.js';
import { readParameters } from './read-parameters.js';

const WAIT_SECONDS = { least: 1, most: 300, usual: 60 };
/** The last event id of a client that was given as many as it waited for. */
const DONE = 'done';
const COUNT = { least: 1, most: 100 };
const HEARTBEAT_MS = 15_000;
const TRY_AGAIN_SECONDS = '10';

/** `/v1/wait`: the first entries that are wanted, as JSON, or as the events of a stream that ends with them. */
export function waitRoute(options: EventStreamsOptions): Router {
  const router = Router();
  router.all('/wait', onlyMethods(READ_METHODS), (request, response) => wait(options, request, response));
  return router;
}

async function wait(options: EventStreamsOptions, request: Request, response: Response): Promise<void> {
  const { bridge } = options;
  const asStream = request.accepts(['json', 'text/event-stream']) === 'text/event-stream';
  response.vary('Accept');
  if (!options.isReady()) {
    if (asStream) sendBusy(bridge, response, 'not_ready');
    else sendLater(response, 503, 'the hub is starting or stopping');
    return;
  }
  const params = await readParameters(request);
  const wanted = readRequestOf(params, request.get('last-event-id'), bridge.clock.now());
  const seconds = wholeNumber(params, 'timeout', WAIT_SECONDS) ?? WAIT_SECONDS.usual;
  const format = choice(params, 'format', SSE_FORMATS) ?? 'raw';
  const count = wholeNumber(params, 'n', COUNT) ?? 1;
  const words = consumerWordsOf(params);
  const permit = await permitFor(options, request, response, wanted, asStream ? 'events' : undefined);
  if (permit === undefined) return;
  const consumer = words && consumerRequestOf(words, permit);
  const timeoutMs = seconds * 1000;
  if (!asStream) await answerOnce(bridge, { request, response, wanted, permit, consumer, count, timeoutMs });
  else if (wanted.requested === DONE || (count === 1 && (await wasGiven(bridge, wanted, permit))))
    response.status(204).end();
  else {
    await stream(bridge, {
      request,
      response,
      wanted,
      permit,
      consumer,
      manner: {
        frameOf: bridge.codec.framesOf(format, false),
        limit: count,
        lastsMs: timeoutMs,
        endsAs: 'timeout',
        heartbeatMs: HEARTBEAT_MS,
        tellsLive: false,
        saysBye: count > 1,
        doneId: DONE,
      },
    });
  }
}

interface Waiting {
  readonly request: Request;
  readonly response: Response;
  readonly wanted: ReadRequest;
  readonly permit: RenewablePermit;
  readonly consumer: ConsumerRequest | undefined;
  readonly count: number;
  readonly timeoutMs: number;
}

async function answerOnce(bridge: Bridge, waiting: Waiting): Promise<void> {
  const { request, response, wanted, permit, consumer } = waiting;
  if (bridge.streams.isFull(openerOf(request, permit))) {
    sendLater(response, 429, TOO_MANY);
    return;
  }
  const attachment = consumer && (await bridge.consumers.attach(consumer, wanted));
  response.once('close', () => attachment?.leave());
  try {
    await waitAt(bridge, waiting, attachment);
  } catch (error) {
    attachment?.leave();
    throw error;
  }
}

async function waitAt(
  bridge: Bridge,
  { request, response, wanted, permit, count, timeoutMs }: Waiting,
  attachment: Attachment | undefined,
): Promise<void> {
  const { log, streams } = bridge;
  const opener = openerOf(request, permit);
  const beginning = await begin(log, attachment === undefined ? wanted : attachment.from(wanted));
  if (response.closed || response.destroyed) return;
  if (beginning.kind === 'refused') {
    sendIncomplete(response, beginning.gap);
    return;
  }
  // Others may have come meanwhile.
  if (streams.isFull(opener)) {
    sendLater(response, 429, TOO_MANY);
    return;
  }
  const { position, gap } = beginning;
  const { selection, filter, onGap } = wanted;
  if (gap !== undefined) response.set('Hub-Gap', gapHeader(gap));
  response.once('finish', () => {
    const { errored, destroyed } = request.socket;
    // Node calls an answer finished that a broken connection has swallowed, too.
    if (errored === null && !destroyed) attachment?.settle();
  });
  streams.open(opener, (id, commons) => {
    const awaited = new AwaitedEntries({
      id,
      commons,
      count,
      timeoutMs,
      permit,
      attachment,
      reading: { selection, filter, onGap, position, permit },
      onSettled: (outcome) => answer(bridge, response, outcome, count > 1),
    });
    response.once('close', () => awaited.giveUp());
    return awaited;
  });
}

/** `asList`: whoever waits for more than one is given a list, however many came. */
function answer({ envelopes }: Bridge, response: Response, outcome: Awaited, asList: boolean): void {
  response.set('Cache-Control', 'no-store');
  switch (outcome.kind) {
    case 'entries': {
      const shown = outcome.entries.map((entry) => envelopes.of(entry));
      response
        .status(200)
        .set('Hub-Cursor', outcome.cursor)
        .type('application/json')
        .send(asList ? `[${shown.join(',')}]` : shown[0]);
      return;
    }
    case 'nothing':
      response.status(204).set('Hub-Cursor', outcome.cursor).end();
      return;
    case 'gap':
      sendIncomplete(response, outcome.gap);
      return;
    case 'denied':
      sendProblem(response, 401, `the credential was ${outcome.end} meanwhile: use another one`);
      return;
    case 'lost':
      sendProblem(response, 409, LOST[outcome.end]);
      return;
    case 'failed':
      sendLater(response, 503, 'the hub cannot read what it has stored at the moment');
  }
}

const TOO_MANY = 'too many streams are open';
const LOST = {
  taken_over:
    'another connection reads with this consumer by now: use one connection at a time, or another name',
  sought: 'an operator has moved the consumer: ask again',
  removed: 'an operator has removed the consumer: ask again for a new one',
};

function sendLater(response: Response, status: number, sentence: string): void {
  response.set('Retry-After', TRY_AGAIN_SECONDS);
  sendProblem(response, status, `${sentence}: try again in ${TRY_AGAIN_SECONDS} s`);
}
