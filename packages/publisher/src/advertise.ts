import { formatLinkHeader, parseWebUrl, reasonOf, WebSubError } from '@websub/shared';

/** What the middleware reads of a request: express's has it, and so has node:http's. */
export interface PageRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Path and query before a router took its part off. */
  readonly originalUrl?: string;
  /** http or https, as express knows it from `trust proxy`. */
  readonly protocol?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket: object;
}

/** What the middleware writes of a response. */
export interface PageResponse {
  getHeader(name: string): number | string | string[] | undefined;
  setHeader(name: string, value: string | string[]): unknown;
}

export interface AdvertiseOptions<Request extends PageRequest = PageRequest> {
  /** The hub or hubs that are told when the page changes. */
  readonly hub: string | readonly string[];
  /**
   * The page's canonical URL (rel=self), by which it is subscribed to. Default: the URL of the request, whose host the
   * client chooses; say it where pages are cached or several hosts lead to them.
   */
  readonly self?: string | ((request: Request) => string);
}

/**
 * Middleware that advertises hub and topic by a Link header on every GET and HEAD (section 4), beside the links that
 * others set. Throws `invalid_request` for a hub or self that is no web URL.
 */
export function advertise<Request extends PageRequest = PageRequest>(
  options: AdvertiseOptions<Request>,
): (request: Request, response: PageResponse, next: (error?: unknown) => void) => void {
  const hubs = typeof options.hub === 'string' ? [options.hub] : options.hub;
  if (hubs.length === 0) throw new WebSubError('invalid_request', 'hub is empty: give at least one hub');
  for (const hub of hubs) parseWebUrl(hub, 'hub');
  const { self } = options;
  if (typeof self === 'string') parseWebUrl(self, 'self');
  const hubLinks = hubs.map((href) => ({ href, rel: 'hub' }));
  return (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    try {
      const href = typeof self === 'function' ? self(request) : (self ?? urlOf(request));
      if (href !== undefined) append(response, formatLinkHeader([...hubLinks, { href, rel: 'self' }]));
    } catch (thrown) {
      return next(new WebSubError('invalid_request', `self: ${reasonOf(thrown)}`, { cause: thrown }));
    }
    next();
  };
}

/** `undefined` where the client named no host that a URL can be made of. */
function urlOf({ protocol, headers, socket, originalUrl, url }: PageRequest): string | undefined {
  const scheme = protocol ?? ('encrypted' in socket ? 'https' : 'http');
  const { host } = headers;
  if (typeof host !== 'string') return undefined;
  const page = `${scheme}://${host}${originalUrl ?? url ?? '/'}`;
  try {
    return parseWebUrl(page, 'self').host === host.toLowerCase() ? page : undefined;
  } catch {
    return undefined;
  }
}

function append(response: PageResponse, link: string): void {
  const others = response.getHeader('Link');
  const before = others === undefined ? [] : Array.isArray(others) ? others : [String(others)];
  response.setHeader('Link', [...before, link].join(', '));
}
