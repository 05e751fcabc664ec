import {
  contentTypeOrDefault,
  FORM_CONTENT_TYPE,
  headerText,
  mediaTypeOf,
  parseForm,
  parseTraceContext,
  readHubRequest,
  single,
  WebSubError,
  type HubRequest,
  type TraceContext,
} from '@websub/shared';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { may, mayReadAll, type Grant } from '../access/grant.js';
import {
  channelRequestOf,
  isChannelRequest,
  type ChannelRequest,
} from '../bridge/channel/channel-request.js';
import type { Channels } from '../bridge/channel/channels.js';
import type { HubEmitter } from '../events.js';
import type { Entrance, Gate } from '../gate/gate.js';
import type { Acceptance } from '../protocol/acceptance.js';
import type { Admission, Refusal } from '../protocol/admission.js';
import type { Publications } from '../protocol/publication.js';
import type { BodyRoom } from './body-room.js';
import { answerFailure } from './failure.js';
import { refusalOf, sendRefusal, type Admit } from './entrance.js';
import { sendNotReady } from './not-ready.js';
import type { IsPrivate } from './privacy.js';
import { sendJson, sendPlain } from './problem.js';
import { readBody, readUtf8, type ReceivedRequest } from './read-body.js';
import { statusUrl } from './status.js';
import type { StoreGuard } from './store-guard.js';
import { sendTooMany } from './too-many.js';

export interface HubEndpointOptions {
  readonly acceptance: Acceptance;
  readonly publications: Publications;
  readonly channels: Channels;
  readonly admission: Admission | undefined;
  readonly admit: Admit;
  readonly gate: Gate;
  readonly maxBodyBytes: number;
  readonly room: BodyRoom;
  readonly isPrivate: IsPrivate;
  /** The address of who sent the request. */
  readonly clientOf: (request: IncomingMessage) => string;
  /** Whether it takes requests. */
  readonly isOpen: () => boolean;
  readonly guard: StoreGuard;
  readonly events: HubEmitter;
  /** What the hub calls itself. */
  readonly hubUrl: () => string;
}

const MAX_FORM_BYTES = 64 * 1024;

/** `POST /`: subscribers' and publishers' requests (sections 5.1 and 6). Answers text/plain, errors included. */
export function hubEndpoint(options: HubEndpointOptions): RequestListener {
  return (request, response) => {
    if (!options.isOpen()) {
      sendNotReady(response);
      return;
    }
    options.guard(request, response, () => {
      serve(options, Object.assign(request, { res: response }), response).catch((error: unknown) =>
        answerFailure(options.events, error, response, '/'),
      );
    });
  };
}

/** A request that is being answered. */
interface Visit {
  readonly request: ReceivedRequest;
  readonly response: ServerResponse;
  readonly entrance: Entrance;
}

async function serve(
  options: HubEndpointOptions,
  request: ReceivedRequest,
  response: ServerResponse,
): Promise<void> {
  const entrance = await options.admit(request);
  const visit = { request, response, entrance };
  // Whoever has a credential may publish as fast as the hub can: an operator can take it away.
  const refusal =
    entrance.kind === 'admitted' ? undefined : options.admission?.client(options.clientOf(request));
  if (refusal !== undefined) {
    sendTooMany(response, refusal);
    return;
  }
  if (isForm(request)) {
    await answerForm(options, visit);
    return;
  }
  const params = queryOf(request);
  if (single(params, 'hub.mode') !== 'publish') throw unsupported(FORM_OR_CONTENT);
  if (isPing(request, params)) await answerRequest(options, visit, readHubRequest(params));
  else await answerPublication(options, visit, params);
}

const FORM_OR_CONTENT = `send a form (Content-Type: ${FORM_CONTENT_TYPE}), or publish content with ?hub.mode=publish&hub.topic=URL`;

function unsupported(cure: string): WebSubError {
  return new WebSubError('unsupported_media_type', cure);
}

const SECRET_IN_THE_OPEN =
  'hub.secret came over plain http, where others can read it: send it over https, or leave it out';

const CONTENT_AS_FORM = `content came as ${FORM_CONTENT_TYPE}, which is for requests: send it with its own Content-Type`;

async function answerForm(options: HubEndpointOptions, visit: Visit): Promise<void> {
  const { request } = visit;
  const form = parseForm(await readUtf8(request, MAX_FORM_BYTES));
  if (isChannelRequest(form)) {
    await answerChannel(options, visit, channelRequestOf(form));
    return;
  }
  if (!form.has('hub.mode') && single(queryOf(request), 'hub.mode') === 'publish')
    throw new WebSubError('invalid_request', CONTENT_AS_FORM);
  await answerRequest(options, visit, readHubRequest(form));
}

async function answerRequest(
  options: HubEndpointOptions,
  visit: Visit,
  hubRequest: HubRequest,
): Promise<void> {
  const { request, response, entrance } = visit;
  if (hubRequest.mode === 'subscribe' && hubRequest.secret !== undefined && !options.isPrivate(request))
    throw new WebSubError('invalid_request', SECRET_IN_THE_OPEN);
  if (!isAllowed(entrance.grant, hubRequest)) {
    sendRefusal(sendPlain, response, refusalOf(entrance, hubRequest.mode));
    return;
  }
  const tooMany = tooManyIntents(options, visit, hubRequest);
  if (tooMany !== undefined) {
    sendTooMany(response, tooMany);
    return;
  }
  const answer = await options.acceptance.accept(hubRequest, entrance.grant, traceOf(request));
  if (answer.kind === 'too-many') sendTooMany(response, answer);
  else {
    const status =
      answer.request === undefined ? '' : `\nStatus: ${statusUrl(options.hubUrl(), answer.request)}`;
    sendPlain(response, 202, ACCEPTED[hubRequest.mode] + status);
  }
}

/**
 * Each leads to requests to a third party, so a credential lifts no bound but the operator's, which moves subscriptions in by
 * the thousand. What a callback host may be asked holds for everybody.
 */
function tooManyIntents(
  { admission, clientOf }: HubEndpointOptions,
  { request, entrance }: Visit,
  hubRequest: HubRequest,
): Refusal | undefined {
  if (admission === undefined || !('callback' in hubRequest) || may(entrance.grant, 'manage'))
    return undefined;
  const client = clientOf(request);
  const refusal = entrance.kind === 'admitted' ? admission.client(client) : undefined;
  if (refusal !== undefined || hubRequest.mode === 'unsubscribe') return refusal;
  return admission.topic(client, hubRequest.topic);
}

/** A subscriber that wants to connect to the hub, instead of the other way round. */
async function answerChannel(
  { admission, channels, clientOf }: HubEndpointOptions,
  { request, response, entrance }: Visit,
  channel: ChannelRequest,
): Promise<void> {
  if (channel.mode === 'unsubscribe') {
    await channels.unsubscribe(channel);
    sendPlain(response, 202, 'Accepted: the channel has ended.');
    return;
  }
  if (!may(entrance.grant, 'read', channel.topic)) {
    sendRefusal(sendPlain, response, refusalOf(entrance, channel.mode));
    return;
  }
  const tooMany = admission?.topic(clientOf(request), channel.topic);
  if (tooMany === undefined)
    sendJson(response, 202, {
      'hub.channel.endpoint': await channels.subscribe(channel, entrance.grant),
    });
  else sendTooMany(response, tooMany);
}

const ACCEPTED: Readonly<Record<HubRequest['mode'], string>> = {
  subscribe: 'Accepted: your callback is asked to verify its intent.',
  unsubscribe: 'Accepted: your callback is asked to verify its intent.',
  publish: 'Accepted: topics that have subscribers are fetched.',
  register: 'Accepted: the topic is registered.',
  deregister: 'Accepted: the topic is no longer registered.',
};

async function answerPublication(
  options: HubEndpointOptions,
  { request, response, entrance }: Visit,
  params: URLSearchParams,
): Promise<void> {
  const topics = [...params.getAll('hub.topic'), ...params.getAll('hub.url')];
  const topic = topics[0];
  if (topic === undefined || topics.length > 1) {
    throw new WebSubError(
      'invalid_request',
      'hub.topic is missing or repeated: content is published to one topic',
    );
  }
  if (!may(entrance.grant, 'publish', topic)) {
    sendRefusal(sendPlain, response, refusalOf(entrance, 'publishing content to this topic'));
    return;
  }
  const id = single(params, 'hub.id');
  const type = single(params, 'hub.type');
  const subject = single(params, 'hub.subject');
  const { cursor } = await options.publications.publish({
    topic,
    content: {
      body: await whileGood(
        options.gate,
        entrance.grant,
        readBody(request, options.maxBodyBytes, options.room),
      ),
      contentType: contentTypeOrDefault(request.headers['content-type']),
    },
    ...(id === undefined ? {} : { id }),
    ...(type === undefined ? {} : { type }),
    ...(subject === undefined ? {} : { subject }),
    headers: extensionHeaders(request),
    ...traceOf(request),
  });
  response.setHeader('Hub-Cursor', cursor);
  sendPlain(response, 202, 'Accepted: the content is stored and will be delivered.');
}

function isAllowed(grant: Grant, request: HubRequest): boolean {
  switch (request.mode) {
    case 'subscribe':
      return mayReadAll(grant, request.topic);
    case 'unsubscribe':
      // The callback confirms it, and nobody is kept from leaving.
      return true;
    case 'publish':
      return request.topics.every((topic) => may(grant, 'ping', topic));
    case 'register':
    case 'deregister':
      return may(grant, 'register', request.topic);
  }
}

/** What the work settles with, unless the grant ends before. */
function whileGood<Result>(gate: Gate, grant: Grant, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const release = gate.hold(grant, (end) =>
      reject(new WebSubError('denied', `the credential was ${end} meanwhile: use another one`)),
    );
    work.then(resolve, reject).finally(release);
  });
}

function isForm(request: IncomingMessage): boolean {
  return mediaTypeOf(request.headers['content-type'] ?? '') === FORM_CONTENT_TYPE;
}

const OF_CONTENT = ['hub.id', 'hub.type', 'hub.subject'];

/**
 * Whether somebody publishes, and sends nothing to publish: what changed is at the topic. `notifyUpdate` of Ballerina's
 * publishers until 1.1 does so; subscribers would be given an empty update.
 */
function isPing({ headers }: IncomingMessage, params: URLSearchParams): boolean {
  return (
    headers['content-type'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    Number(headers['content-length'] ?? 0) === 0 &&
    !OF_CONTENT.some((name) => params.has(name))
  );
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?');
  return parseForm(Buffer.from(start < 0 ? '' : url.slice(start + 1)));
}

// What proxies add about the client, what authenticates the publisher, and what the hub itself says to callbacks.
const NOT_PASSED_ON =
  /^x-(forwarded-|real-ip$|client-ip$|api-key$|auth|access-token$|csrf|xsrf|hub-|request-id$|ballerina-)/;
const MOST_EXTENSION_HEADERS = 32;

/** The `X-` headers of a publication, which are delivered with its content. */
function extensionHeaders(request: IncomingMessage): Record<string, string> {
  const passed = Object.entries(request.headers).flatMap(([name, value]) =>
    name.startsWith('x-') && !NOT_PASSED_ON.test(name) && typeof value === 'string'
      ? [[name, value] as const]
      : [],
  );
  return Object.fromEntries(passed.slice(0, MOST_EXTENSION_HEADERS));
}

/** The trace that the request belongs to; nothing where it tells none, or none that is valid. */
function traceOf(request: IncomingMessage): { readonly trace?: TraceContext } {
  const trace = parseTraceContext(
    headerText(request.headers, 'traceparent'),
    headerText(request.headers, 'tracestate'),
  );
  return trace === undefined ? {} : { trace };
}
