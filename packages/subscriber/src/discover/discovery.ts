/** What a resource says of itself. */
export interface Discovery {
  /** Absolute URLs, in the order found. Empty when the resource names none. */
  readonly hubs: readonly string[];
  /** The canonical topic URL (rel=self); absent when the resource names none. */
  readonly self: string | undefined;
  /** Where the hubs were found. */
  readonly via: 'link-header' | 'html' | 'atom' | 'rss' | 'none';
  /** The URL that answered, after redirects. */
  readonly url: string;
}

/** A link as one of the mechanisms found it: its relation types in lower case, and its target as written. */
export interface FoundLink {
  readonly rels: readonly string[];
  readonly href: string;
  /** The URL that relative targets count from, when the document sets one. */
  readonly base?: string;
}

/** The links that one mechanism found. */
export interface Found {
  readonly via: Exclude<Discovery['via'], 'none'>;
  readonly links: readonly FoundLink[];
}

/** Hubs taken from one resource at most. */
const MOST_HUBS = 8;

/**
 * Takes hubs and self from what the mechanisms found, in their order. The first that names a hub counts, and the others
 * are not asked (section 4), but for self where it names none.
 */
export function chooseLinks(url: string, found: readonly Found[]): Discovery {
  const first = found.find(({ links }) => targetsOf('hub', links, url).length > 0);
  const order = first === undefined ? found : [first, ...found.filter((other) => other !== first)];
  return {
    hubs: first === undefined ? [] : targetsOf('hub', first.links, url).slice(0, MOST_HUBS),
    self: order.flatMap(({ links }) => targetsOf('self', links, url))[0],
    via: first?.via ?? 'none',
    url,
  };
}

/** The distinct web URLs of a relation type, absolute. */
function targetsOf(rel: string, links: readonly FoundLink[], url: string): readonly string[] {
  const targets = links
    .filter(({ rels }) => rels.includes(rel))
    .map((link) => urlOfLink(link, url))
    .filter((target) => target !== undefined);
  return [...new Set(targets)];
}

/** The web URL that a link leads to, absolute; `undefined` when it is none. */
export function urlOfLink({ href, base }: FoundLink, url: string): string | undefined {
  return absolute(href.trim(), base === undefined ? url : (absolute(base, url) ?? url));
}

/**
 * An absolute URL is kept as it was written, since hubs compare topics as strings: `https://a.example` must not become
 * `https://a.example/`. What no URL may hold, such as a letter that is not ASCII or a line break, is encoded or dropped.
 */
function absolute(href: string, base: string): string | undefined {
  if (href === '' || !URL.canParse(href, base)) return undefined;
  const { protocol, href: resolved } = new URL(href, base);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const target = /^https?:\/\/[!-~]+$/i.test(href) ? href : resolved;
  return target.replace(/#.*$/s, '');
}
