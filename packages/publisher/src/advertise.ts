import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatLinkHeader } from '@websub/shared';

export interface AdvertiseOptions {
  /** The hub, or several (section 4). */
  readonly hub: string | readonly string[];
  /**
   * The topic's canonical URL, or how to tell it from the request; `undefined` leaves this response alone. Default: the URL
   * of the request as the client sees it, without its fragment. Give it behind a proxy that changes host or scheme.
   */
  readonly self?: string | ((request: IncomingMessage) => string | undefined);
}

/** Works with express, connect and bare `node:http`. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Names hub and topic in the `Link` header of what GET and HEAD answer (section 4), beside links that are there already.
 * Mount it where your topics are, not before uploads and APIs.
 */
export function advertise({ hub, self = requestedUrl }: AdvertiseOptions): Middleware {
  const hubs = typeof hub === 'string' ? [hub] : [...hub];
  return (request, response, next) => {
    const topic = typeof self === 'string' ? self : self(request);
    if (topic !== undefined && (request.method === 'GET' || request.method === 'HEAD')) {
      const links = [...hubs.map((href) => ({ href, rel: 'hub' })), { href: topic, rel: 'self' }];
      response.appendHeader('Link', formatLinkHeader(links));
    }
    next();
  };
}

function requestedUrl(
  request: IncomingMessage & { readonly protocol?: string; readonly originalUrl?: string },
): string | undefined {
  const { host } = request.headers;
  if (host === undefined) return undefined;
  // express knows the scheme behind a trusted proxy, and the path before a router cut it.
  const scheme = request.protocol ?? ('encrypted' in request.socket ? 'https' : 'http');
  const url = `${scheme}://${host}${request.originalUrl ?? request.url ?? '/'}`;
  return URL.canParse(url) ? new URL(url).href : undefined;
}
