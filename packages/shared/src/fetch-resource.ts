import {
  headerText,
  type HttpClient,
  type HttpFailure,
  type HttpRequest,
  type HttpResponse,
} from './http-client.js';

/** A response and the URL that gave it, after redirects. */
export interface FetchedResource {
  readonly kind: 'fetched';
  readonly url: string;
  readonly response: HttpResponse;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Redirects followed at most. */
export const REDIRECT_LIMIT = 3;

/**
 * GET or HEAD with up to `redirectLimit` redirects. Every hop goes through the client and so through its network
 * policy (LAW 9). A redirect from https to http, to another scheme, or past the limit is a `bad-response`. Credentials in
 * the headers stay at the first origin. The time limits are those of each hop. Never rejects.
 */
export async function fetchResource(
  client: HttpClient,
  request: HttpRequest & { readonly method: 'GET' | 'HEAD' },
  redirectLimit: number = REDIRECT_LIMIT,
): Promise<FetchedResource | HttpFailure> {
  let hop = request;
  for (let hops = 0; hops <= redirectLimit; hops++) {
    const response = await client.send(hop);
    if (response.kind === 'failure') return response;
    if (!REDIRECTS.has(response.status)) return { kind: 'fetched', url: hop.url, response };
    const url = redirectTarget(hop.url, headerText(response.headers, 'location'));
    if (url === undefined)
      return { kind: 'failure', reason: 'bad-response', detail: 'a redirect leads nowhere usable' };
    const sameOrigin = new URL(url).origin === new URL(hop.url).origin;
    hop = { ...hop, url, headers: sameOrigin ? hop.headers : withoutCredentials(hop.headers) };
  }
  return { kind: 'failure', reason: 'bad-response', detail: `more than ${redirectLimit} redirects` };
}

function withoutCredentials(headers: HttpRequest['headers']): HttpRequest['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name.toLowerCase())));
}

/**
 * The absolute URL that a `Location` names; `undefined` when it leads nowhere usable: missing, not a URL, neither http
 * nor https, or from https down to http. User information and fragment are dropped.
 */
export function redirectTarget(from: string, location: string | undefined): string | undefined {
  if (location === undefined || !URL.canParse(location, from)) return undefined;
  const target = new URL(location, from);
  const downgrade = new URL(from).protocol === 'https:' && target.protocol === 'http:';
  if (downgrade || (target.protocol !== 'http:' && target.protocol !== 'https:')) return undefined;
  target.hash = '';
  target.username = '';
  target.password = '';
  return target.href;
}
