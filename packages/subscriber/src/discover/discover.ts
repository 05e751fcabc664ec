import {
  fetchResource,
  headerText,
  parseLinkHeader,
  parseWebUrl,
  REDIRECT_LIMIT,
  urlForLogs,
  WebSubError,
  type FetchedResource,
  type HttpClient,
} from '@websub/shared';
import { Egress, errorOfFailure, reachFor } from '../egress.js';
import type { HttpConfig } from '../service/options.js';
import type { DiscoverySettings } from '../service/settings.js';
import { USER_AGENT } from '../user-agent.js';
import { chooseLinks, type Discovery, type Found } from './discovery.js';
import { DOCUMENT_LIMIT, linksOfDocument } from './document.js';

export interface DiscoverOptions {
  /** The `Accept` header. Default: feeds and pages before anything else. */
  readonly accept?: string;
  readonly acceptLanguage?: string;
  readonly http?: HttpConfig;
}

const ACCEPT =
  'application/atom+xml, application/rss+xml;q=0.9, text/html;q=0.8, application/xml;q=0.7, */*;q=0.5';

/**
 * Asks a resource for its hubs and its topic: by its Link headers, then by the link elements of an HTML page, an Atom
 * or an RSS feed (section 4). `hubs` is empty when it names none.
 *
 * Rejects with `invalid_request` for a URL that is none, `forbidden_address`, `unreachable`, `timeout`, and
 * `discovery_failed` for an answer that is no resource.
 */
export async function discover(url: string, options: DiscoverOptions = {}): Promise<Discovery> {
  parseWebUrl(url, 'url');
  const { http = {}, ...headers } = options;
  const egress = new Egress();
  try {
    return await discoverBy(egress.client(reachFor(url, http), http), url, { ...headers, http });
  } finally {
    await egress.close();
  }
}

/** {@link discover} by a given client. */
export async function discoverBy(
  client: HttpClient,
  url: string,
  settings: DiscoverySettings,
): Promise<Discovery> {
  const page = await fetchPage(client, url, settings);
  const found = linksOfHeaders(page);
  const discovery = chooseLinks(page.url, found);
  if (discovery.hubs.length > 0 && discovery.self !== undefined) return discovery;
  return chooseLinks(page.url, [...found, ...(await linksOfBody(page))]);
}

/** Gets a resource. Rejects as {@link discover} does. */
export async function fetchPage(
  client: HttpClient,
  url: string,
  { accept, acceptLanguage, http }: DiscoverySettings,
): Promise<FetchedResource> {
  const headers = {
    'user-agent': USER_AGENT,
    accept: accept ?? ACCEPT,
    ...(acceptLanguage === undefined ? {} : { 'accept-language': acceptLanguage }),
    'accept-encoding': 'identity',
    ...http.headers,
  };
  const timeout =
    http.timeoutMs === undefined ? {} : { timeoutMs: http.timeoutMs, firstByteTimeoutMs: http.timeoutMs };
  const answer = { kind: 'prefix', maxBytes: DOCUMENT_LIMIT } as const;
  const fetched = await fetchResource(
    client,
    { method: 'GET', url, headers, answer, ...timeout },
    http.maxRedirects ?? REDIRECT_LIMIT,
  );
  if (fetched.kind === 'failure') throw errorOfFailure(fetched, urlForLogs(url));
  const { status } = fetched.response;
  if (status < 200 || status > 299) throw notThere(urlForLogs(url), status);
  return fetched;
}

export function linksOfHeaders({ response }: FetchedResource): readonly Found[] {
  const links = parseLinkHeader(headerText(response.headers, 'link'));
  return links.length === 0 ? [] : [{ via: 'link-header', links }];
}

export async function linksOfBody({ response }: FetchedResource): Promise<readonly Found[]> {
  const inBody = await linksOfDocument(response);
  return inBody === undefined ? [] : [inBody];
}

function notThere(url: string, status: number): WebSubError {
  const passing = status >= 500 || status === 429 || status === 408;
  return passing
    ? new WebSubError('unreachable', `${url} answered ${status}: try again later`)
    : new WebSubError('discovery_failed', `${url} answered ${status}: check the URL and what it requires`);
}
