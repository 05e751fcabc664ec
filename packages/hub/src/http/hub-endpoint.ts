import {
  contentTypeOrDefault,
  FORM_CONTENT_TYPE,
  mediaTypeOf,
  parseForm,
  parseHubRequest,
  parseTraceContext,
  single,
  WebSubError,
  type HubRequest,
  type TraceContext,
} from '@websub/shared';
import type { Request, RequestHandler, Response } from 'express';
import type { PublishPolicy } from '../options.js';
import type { Acceptance } from '../protocol/acceptance.js';
import type { Admission } from '../protocol/admission.js';
import type { Publications } from '../protocol/publication.js';
import { bearsKey } from './credentials.js';
import { sendPlain } from './problem.js';
import { readBody } from './read-body.js';
import { statusUrl } from './status.js';
import { sendTooMany } from './too-many.js';

export interface HubEndpointOptions {
  readonly acceptance: Acceptance;
  readonly publications: Publications;
  readonly admission: Admission | undefined;
  readonly publish: PublishPolicy;
  readonly dev: boolean;
  readonly adminKey: string | undefined;
  readonly maxBodyBytes: number;
  /** What the hub calls itself. */
  readonly hubUrl: () => string;
}

const MAX_FORM_BYTES = 64 * 1024;

/** `POST /`: subscribers' and publishers' requests (sections 5.1 and 6). Answers text/plain, errors included. */
export function hubEndpoint(options: HubEndpointOptions): RequestHandler {
  return async (request, response) => {
    const refusal = options.admission?.client(request.ip ?? '');
    if (refusal !== undefined) sendTooMany(response, refusal);
    else if (isForm(request)) await answerForm(options, request, response);
    else if (isContentPublication(request)) await answerPublication(options, request, response);
    else throw unsupported(FORM_OR_CONTENT);
  };
}

const FORM_OR_CONTENT = `send a form (Content-Type: ${FORM_CONTENT_TYPE}), or publish content with ?hub.mode=publish&hub.topic=URL`;

function unsupported(cure: string): WebSubError {
  return new WebSubError('unsupported_media_type', cure);
}

async function answerForm(options: HubEndpointOptions, request: Request, response: Response): Promise<void> {
  const hubRequest = parseHubRequest(await readBody(request, MAX_FORM_BYTES));
  if (!isAllowed(options, request, hubRequest.mode)) {
    sendPlain(response, 403, `${hubRequest.mode} needs a credential here: send Authorization: Bearer KEY`);
    return;
  }
  const answer = await options.acceptance.accept(hubRequest, traceOf(request));
  if (answer.kind === 'too-many') sendTooMany(response, answer);
  else {
    const status =
      answer.request === undefined ? '' : `\nStatus: ${statusUrl(options.hubUrl(), answer.request)}`;
    sendPlain(response, 202, ACCEPTED[hubRequest.mode] + status);
  }
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
  request: Request,
  response: Response,
): Promise<void> {
  if (!isAllowed(options, request, 'content')) {
    sendPlain(
      response,
      403,
      'publishing content needs a credential here: send Authorization: Bearer KEY, or ping with hub.url',
    );
    return;
  }
  const params = queryOf(request);
  const topics = [...params.getAll('hub.topic'), ...params.getAll('hub.url')];
  const topic = topics[0];
  if (topic === undefined || topics.length > 1) {
    throw new WebSubError(
      'invalid_request',
      'hub.topic is missing or repeated: content is published to one topic',
    );
  }
  const id = single(params, 'hub.id');
  const type = single(params, 'hub.type');
  const cursor = await options.publications.publish({
    topic,
    content: {
      body: await readBody(request, options.maxBodyBytes),
      contentType: contentTypeOrDefault(request.get('content-type')),
    },
    ...(id === undefined ? {} : { id }),
    ...(type === undefined ? {} : { type }),
    headers: extensionHeaders(request),
    ...traceOf(request),
  });
  response.set('Hub-Cursor', cursor);
  sendPlain(response, 202, 'Accepted: the content is stored and will be delivered.');
}

function isAllowed(
  { dev, adminKey, publish }: HubEndpointOptions,
  request: Request,
  what: HubRequest['mode'] | 'content',
): boolean {
  switch (what) {
    case 'subscribe':
    case 'unsubscribe':
      return true;
    case 'publish':
      return publish !== 'closed' || bearsKey(request, adminKey);
    case 'content':
      return publish === 'open' || bearsKey(request, adminKey);
    case 'register':
    case 'deregister':
      return dev || bearsKey(request, adminKey);
  }
}

function isForm(request: Request): boolean {
  return mediaTypeOf(request.get('content-type') ?? '') === FORM_CONTENT_TYPE;
}

function isContentPublication(request: Request): boolean {
  return single(queryOf(request), 'hub.mode') === 'publish';
}

function queryOf(request: Request): URLSearchParams {
  const start = request.url.indexOf('?');
  return parseForm(Buffer.from(start < 0 ? '' : request.url.slice(start + 1)));
}

// What proxies add about the client, what authenticates the publisher, and what the hub itself says to callbacks.
const NOT_PASSED_ON =
  /^x-(forwarded-|real-ip$|client-ip$|api-key$|auth|access-token$|csrf|xsrf|hub-|request-id$|ballerina-)/;
const MOST_EXTENSION_HEADERS = 32;

/** The `X-` headers of a publication, which are delivered with its content. */
function extensionHeaders(request: Request): Record<string, string> {
  const passed = Object.entries(request.headers).flatMap(([name, value]) =>
    name.startsWith('x-') && !NOT_PASSED_ON.test(name) && typeof value === 'string'
      ? [[name, value] as const]
      : [],
  );
  return Object.fromEntries(passed.slice(0, MOST_EXTENSION_HEADERS));
}

/** The trace that the request belongs to; nothing where it tells none, or none that is valid. */
function traceOf(request: Request): { readonly trace?: TraceContext } {
  const trace = parseTraceContext(request.get('traceparent'), request.get('tracestate'));
  return trace === undefined ? {} : { trace };
}
