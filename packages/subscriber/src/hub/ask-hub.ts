import {
  FORM_CONTENT_TYPE,
  formatHubRequest,
  headerText,
  redirectTarget,
  REDIRECT_LIMIT,
  urlForLogs,
  WebSubError,
  type HttpClient,
  type HttpFailure,
  type HttpResponse,
  type SubscribeRequest,
  type UnsubscribeRequest,
} from '@websub/shared';
import { errorOfFailure } from '../egress.js';
import type { HttpConfig } from '../service/options.js';
import { USER_AGENT } from '../user-agent.js';

/** What became of a request to a hub. */
export type HubAnswer =
  /** Any 2xx: the hub will verify, or did already. */
  | { readonly kind: 'accepted' }
  /** The hub said no; the same request would meet the same answer. */
  | { readonly kind: 'refused'; readonly error: WebSubError }
  /** No usable answer; later there may be one. The hub may have taken the request all the same. */
  | { readonly kind: 'failed'; readonly error: WebSubError };

export interface HubCall {
  readonly hub: string;
  readonly form: SubscribeRequest | UnsubscribeRequest;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly http: HttpConfig;
}

const REASON_LIMIT = 1_024;
/** What must not follow a redirect to another origin. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Sends a subscription or unsubscription request (section 5.1), to where a 307 or 308 leads (5.1.2). Never rejects. */
export async function askHub(client: HttpClient, call: HubCall): Promise<HubAnswer> {
  const { http, form } = call;
  const timeout =
    http.timeoutMs === undefined ? {} : { timeoutMs: http.timeoutMs, firstByteTimeoutMs: http.timeoutMs };
  const body = formatHubRequest(form, call.params);
  let url = call.hub;
  let headers = headersOf(call);
  for (let hops = 0; hops <= (http.maxRedirects ?? REDIRECT_LIMIT); hops++) {
    const answer = { kind: 'prefix', maxBytes: REASON_LIMIT } as const;
    const response = await client.send({ method: 'POST', url, headers, body, answer, ...timeout });
    if (response.kind === 'failure') return failed(call.hub, response);
    if (response.status !== 307 && response.status !== 308) return read(call.hub, response);
    const next = redirectTarget(url, headerText(response.headers, 'location'));
    if (next === undefined) return refused(call.hub, 'it redirects to nowhere usable');
    if (new URL(next).origin !== new URL(url).origin) headers = withoutCredentials(headers);
    url = next;
  }
  return refused(call.hub, 'it redirects too often');
}

function headersOf({ http, headers }: HubCall): Readonly<Record<string, string>> {
  const own = Object.entries({ ...http.headers, ...headers }).map(([name, value]) => [
    name.toLowerCase(),
    value,
  ]);
  return { 'user-agent': USER_AGENT, ...Object.fromEntries(own), 'content-type': FORM_CONTENT_TYPE };
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name)));
}

function read(hub: string, { status, body }: HttpResponse): HubAnswer {
  if (status >= 200 && status <= 299) return { kind: 'accepted' };
  const said = new TextDecoder()
    .decode(body)
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  const what = `it answered ${status}${said === '' ? '' : ` "${said}"`}`;
  if (status >= 500 || status === 429 || status === 408) {
    const message = `the hub ${urlForLogs(hub)} has trouble: ${what}; it is asked again later`;
    return { kind: 'failed', error: new WebSubError('hub_unavailable', message) };
  }
  return refused(hub, what);
}

function failed(hub: string, failure: HttpFailure): HubAnswer {
  const what = `the hub ${urlForLogs(hub)}`;
  if (failure.reason === 'bad-response' || failure.reason === 'too-large')
    return refused(hub, failure.detail);
  const error = errorOfFailure(failure, what);
  return { kind: error.retryable ? 'failed' : 'refused', error };
}

function refused(hub: string, why: string): HubAnswer {
  const message = `the hub ${urlForLogs(hub)} refused: ${why}. Check the hub's URL, the topic and what the hub requires`;
  return { kind: 'refused', error: new WebSubError('hub_refused', message) };
}
