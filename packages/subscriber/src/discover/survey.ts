import { parseWebUrl } from '@websub/shared';
import { Egress, reachFor } from '../egress.js';
import { fetchPage, linksOfBody, linksOfHeaders, type DiscoverOptions } from './discover.js';
import { chooseLinks, urlOfLink, type Discovery, type Found } from './discovery.js';

/** A hub or self link of a resource, and what becomes of it. */
export interface SurveyedLink {
  readonly rel: 'hub' | 'self';
  /** Absolute; as written where it is no web URL. */
  readonly url: string;
  readonly via: Found['via'];
  /** Whether a subscriber uses it: first, only when the hubs before it refuse, or not at all. */
  readonly use: 'first' | 'next' | 'no';
  /** Why it is not used. */
  readonly reason?: 'no web URL' | 'repeated' | 'another comes first';
}

/** What {@link discover} answers, and all that it had to choose from. */
export interface Survey {
  readonly discovery: Discovery;
  readonly links: readonly SurveyedLink[];
}

/** Looks into the headers and the body of a resource, even where the headers alone would do. Rejects as `discover` does. */
export async function survey(url: string, { http = {}, ...headers }: DiscoverOptions): Promise<Survey> {
  parseWebUrl(url, 'url');
  const egress = new Egress();
  try {
    const page = await fetchPage(egress.client(reachFor(url, http), http), url, { ...headers, http });
    const found = [...linksOfHeaders(page), ...(await linksOfBody(page))];
    const discovery = chooseLinks(page.url, found);
    return { discovery, links: judged(found, discovery) };
  } finally {
    await egress.close();
  }
}

function judged(found: readonly Found[], discovery: Discovery): readonly SurveyedLink[] {
  const seen = new Set<string>();
  return found.flatMap(({ via, links }) =>
    links.flatMap((link) =>
      (['hub', 'self'] as const)
        .filter((rel) => link.rels.includes(rel))
        .map((rel): SurveyedLink => {
          const url = urlOfLink(link, discovery.url);
          if (url === undefined) return { rel, url: link.href, via, use: 'no', reason: 'no web URL' };
          const use = rel === 'self' ? useOfSelf(url, discovery) : useOfHub(url, via, discovery);
          const again = seen.has(`${rel} ${url}`);
          seen.add(`${rel} ${url}`);
          if (use === 'no') return { rel, url, via, use, reason: 'another comes first' };
          return again ? { rel, url, via, use: 'no', reason: 'repeated' } : { rel, url, via, use };
        }),
    ),
  );
}

function useOfSelf(url: string, { self }: Discovery): SurveyedLink['use'] {
  return url === self ? 'first' : 'no';
}

function useOfHub(url: string, via: Found['via'], discovery: Discovery): SurveyedLink['use'] {
  const place = via === discovery.via ? discovery.hubs.indexOf(url) : -1;
  if (place < 0) return 'no';
  return place === 0 ? 'first' : 'next';
}
