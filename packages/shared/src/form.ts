import { WebSubError } from './errors.js';
import { checkSecret } from './signature.js';
import { parseWebUrl } from './web-url.js';

/** A request to a hub, by `hub.mode` (section 5.1; publish: section 6, note; register and deregister: Ballerina's hubs). */
export type HubRequest =
  | SubscribeRequest
  | UnsubscribeRequest
  | { readonly mode: 'publish'; readonly topics: readonly string[] }
  | { readonly mode: 'register' | 'deregister'; readonly topic: string };

export interface SubscribeRequest {
  readonly mode: 'subscribe';
  readonly callback: string;
  readonly topic: string;
  /** Seconds asked for; absent when the subscriber leaves it to the hub. Not yet clamped to the hub's bounds. */
  readonly leaseSeconds?: number;
  readonly secret?: string;
  /** `hub.webhook_signature=v1`, this project's own: deliveries are to bear `webhook-signature` as well. */
  readonly webhookSignature?: true;
  /** `hub.verify_token` of PubSubHubbub 0.4, echoed in the verification. */
  readonly verifyToken?: string;
}

export interface UnsubscribeRequest {
  readonly mode: 'unsubscribe';
  readonly callback: string;
  readonly topic: string;
  readonly verifyToken?: string;
}

export const FORM_CONTENT_TYPE = 'application/x-www-form-urlencoded';

/** Bounds of one form; more is refused with `invalid_request`. */
export const FORM_PARAMETERS_LIMIT = 64;
const VERIFY_TOKEN_LIMIT = 512;

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// A second value of one of these would leave it open which counts. hub.verify was repeatable in PubSubHubbub 0.4.
const SINGLE = [
  'hub.mode',
  'hub.callback',
  'hub.lease_seconds',
  'hub.secret',
  'hub.webhook_signature',
  'hub.verify_token',
] as const;

/**
 * Reads the body of a request to the hub. Unknown parameters are ignored (section 5.1).
 *
 * Throws `invalid_request` with a sentence for the sender: not UTF-8, more than 64 parameters, a missing, repeated or
 * malformed parameter, an unknown mode.
 */
export function parseHubRequest(body: Uint8Array): HubRequest {
  return readHubRequest(parseForm(body));
}

/** {@link parseHubRequest} of a form that was parsed. */
export function readHubRequest(params: URLSearchParams): HubRequest {
  for (const name of SINGLE) single(params, name);
  const mode = params.get('hub.mode');
  switch (mode) {
    case 'subscribe':
      return readSubscribe(params);
    case 'unsubscribe':
      return { mode, ...readCallbackAndTopic(params), ...optional('verifyToken', readVerifyToken(params)) };
    case 'publish':
      return { mode, topics: readPublishedTopics(params) };
    case 'register':
    case 'deregister':
      return { mode, topic: readTopic(params) };
    // The word of Ballerina's publishers until 1.1.
    case 'unregister':
      return { mode: 'deregister', topic: readTopic(params) };
    case null:
      throw new WebSubError('invalid_request', 'hub.mode is missing: send subscribe, unsubscribe or publish');
    default:
      throw new WebSubError(
        'invalid_request',
        'hub.mode is unknown: send subscribe, unsubscribe, publish, register or deregister',
      );
  }
}

/** The parameter's value, if it is there. Throws `invalid_request` when it is given more than once. */
export function single(params: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = params.getAll(name);
  if (others.length > 0)
    throw new WebSubError('invalid_request', `${name} is given more than once: send it once`);
  return value;
}

/**
 * Decodes a form strictly: the bytes, and what its percent-escapes stand for, must be UTF-8 (section 5.1). Throws
 * `invalid_request`, for more than `mostParameters` too.
 */
export function parseForm(body: Uint8Array, mostParameters = FORM_PARAMETERS_LIMIT): URLSearchParams {
  let text: string;
  try {
    text = UTF_8.decode(body);
    // A stray "%" stands for itself. Escaped, since Node's URLSearchParams spoils other characters beside one.
    text = text.replace(/%(?![0-9a-f]{2})/gi, '%25');
    // URLSearchParams would replace invalid sequences silently.
    decodeURIComponent(text);
  } catch {
    throw new WebSubError('invalid_request', 'the form is not UTF-8: encode it as UTF-8');
  }
  const found = new URLSearchParams(text);
  if (found.size > mostParameters) {
    throw new WebSubError(
      'invalid_request',
      `the form has more than ${mostParameters} parameters: send fewer`,
    );
  }
  const params = new URLSearchParams();
  for (const [name, value] of found) params.append(name, withOwnMemory(value));
  return params;
}

/** V8 cuts a string out by pointing into the whole one: a callback that is kept would keep the form that it came with. */
function withOwnMemory(text: string): string {
  return Buffer.from(text).toString();
}

function readSubscribe(params: URLSearchParams): SubscribeRequest {
  const secret = params.get('hub.secret') ?? '';
  return {
    mode: 'subscribe',
    ...readCallbackAndTopic(params),
    ...optional('leaseSeconds', readLeaseSeconds(params)),
    // Clients without a secret often send the empty parameter.
    ...optional('secret', secret === '' ? undefined : checkSecret(secret)),
    ...optional('webhookSignature', readWebhookSignature(params)),
    ...optional('verifyToken', readVerifyToken(params)),
  };
}

function readCallbackAndTopic(params: URLSearchParams): { callback: string; topic: string } {
  const callback = params.get('hub.callback');
  if (callback === null)
    throw new WebSubError('invalid_request', 'hub.callback is missing: send the URL of your callback');
  parseWebUrl(callback, 'hub.callback');
  return { callback, topic: readTopic(params) };
}

/** `hub.topic`. Throws `invalid_request`. */
export function readTopic(params: URLSearchParams): string {
  const topic = single(params, 'hub.topic');
  if (topic === undefined)
    throw new WebSubError('invalid_request', 'hub.topic is missing: send the URL of the topic');
  parseWebUrl(topic, 'hub.topic');
  return topic;
}

function readPublishedTopics(params: URLSearchParams): readonly string[] {
  const topics = [...new Set([...params.getAll('hub.url'), ...params.getAll('hub.topic')])];
  if (topics.length === 0) {
    throw new WebSubError(
      'invalid_request',
      'hub.url is missing: send the URL of each topic that changed, as hub.url or hub.topic',
    );
  }
  for (const topic of topics) parseWebUrl(topic, 'hub.url');
  return topics;
}

/** `hub.lease_seconds`, if it is there. Throws `invalid_request`. */
export function readLeaseSeconds(params: URLSearchParams): number | undefined {
  const value = params.get('hub.lease_seconds') ?? '';
  if (value === '') return undefined;
  if (!/^\d+$/.test(value) || Number(value) === 0) {
    throw new WebSubError(
      'invalid_request',
      'hub.lease_seconds is not a positive decimal integer: send seconds, such as 864000',
    );
  }
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

function readWebhookSignature(params: URLSearchParams): true | undefined {
  const value = params.get('hub.webhook_signature') ?? '';
  if (value === '') return undefined;
  if (value !== 'v1') {
    throw new WebSubError(
      'invalid_request',
      'hub.webhook_signature is not a version of this hub: send v1, or leave it out',
    );
  }
  return true;
}

function readVerifyToken(params: URLSearchParams): string | undefined {
  const value = params.get('hub.verify_token') ?? undefined;
  if (value !== undefined && value.length > VERIFY_TOKEN_LIMIT) {
    throw new WebSubError(
      'invalid_request',
      `hub.verify_token is longer than ${VERIFY_TOKEN_LIMIT} characters: shorten it`,
    );
  }
  return value;
}

/** The form body of a request, as a subscriber or publisher sends it. */
export function formatHubRequest(request: HubRequest, extra: Readonly<Record<string, string>> = {}): string {
  const params = new URLSearchParams({ 'hub.mode': request.mode });
  if (request.mode === 'publish') {
    // hub.url is what hubs in the field read; the Recommendation leaves it open (section 6).
    for (const topic of request.topics) params.append('hub.url', topic);
  } else {
    params.set('hub.topic', request.topic);
  }
  if (request.mode === 'subscribe' || request.mode === 'unsubscribe') {
    params.set('hub.callback', request.callback);
    if (request.verifyToken !== undefined) params.set('hub.verify_token', request.verifyToken);
  }
  if (request.mode === 'subscribe') {
    if (request.leaseSeconds !== undefined) params.set('hub.lease_seconds', String(request.leaseSeconds));
    if (request.secret !== undefined) params.set('hub.secret', checkSecret(request.secret));
    if (request.webhookSignature === true) params.set('hub.webhook_signature', 'v1');
  }
  for (const [name, value] of Object.entries(extra)) params.set(name, value);
  return params.toString();
}

/** `{ [name]: value }` when there is a value; an absent optional property stays absent. */
function optional<Name extends string, T>(name: Name, value: T | undefined): { readonly [K in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in Name]?: T };
}
