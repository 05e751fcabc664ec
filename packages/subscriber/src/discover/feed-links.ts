import { SaxesParser, type SaxesTagNS } from 'saxes';
import type { Found, FoundLink } from './discovery.js';

// The namespaces of Atom 1.0 and 0.3.
const ATOM: ReadonlySet<string> = new Set(['http://www.w3.org/2005/Atom', 'http://purl.org/atom/ns#']);
// Feeds that forget to declare the prefix still mean it.
const CUSTOMARY_PREFIXES = new Set(['atom', 'atom10', 'a10']);
// Many feeds write `AT&T`, or `&copy;` and `&nbsp;` as if they were HTML.
const NO_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});)/gi;
const PIECE = 4_096;
const MOST_LINKS = 256;
// Deeper is no feed, and the parser looks for a namespace in every element around.
const DEEPEST = 256;
// Each fault costs an Error with its stack: a megabyte of them takes most of a second.
const MOST_FAULTS = 200;

/**
 * The links of an Atom feed (`feed/link`) or an RSS one (`channel/atom:link`); `undefined` for other XML. They may stand
 * after the entries, so it reads on until it has hub and self. Knows no DTD entities, and takes what it found where the
 * markup breaks.
 */
export function linksOfFeed(xml: string): Found | undefined {
  const reader = new FeedReader();
  const text = xml.replace(NO_REFERENCE, '&amp;');
  for (let at = 0; at < text.length && !reader.done; at += PIECE) reader.read(text.slice(at, at + PIECE));
  return reader.via === undefined ? undefined : { via: reader.via, links: reader.links };
}

class FeedReader {
  readonly links: FoundLink[] = [];
  via: 'atom' | 'rss' | undefined;
  done = false;
  readonly #parser = new SaxesParser({ xmlns: true });
  readonly #open: { readonly name: string; readonly base: string | undefined }[] = [];
  #faults = 0;

  constructor() {
    this.#parser.on('opentag', (tag) => this.#opened(tag));
    this.#parser.on('closetag', () => void this.#open.pop());
    // Without a listener broken markup throws; what stands before the fault is still good.
    this.#parser.on('error', () => {
      if (++this.#faults > MOST_FAULTS) this.done = true;
    });
  }

  read(piece: string): void {
    try {
      this.#parser.write(piece);
    } catch {
      this.done = true;
    }
  }

  #opened(tag: SaxesTagNS): void {
    if (this.done) return;
    const name = tag.local.toLowerCase();
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root(name);
    if (this.#open.length >= DEEPEST) this.done = true;
    else if (isEntry(name) && this.#has('hub') && this.#has('self')) this.done = true;
    else if (name === 'link' && this.#inHeader(parent?.name) && this.#isAtom(tag)) this.#link(tag);
    this.#open.push({ name, base: this.#baseOf(tag) });
  }

  #root(name: string): void {
    if (name === 'feed') this.via = 'atom';
    else if (name === 'rss' || name === 'rdf') this.via = 'rss';
    else this.done = true;
  }

  #inHeader(parent: string | undefined): boolean {
    return (
      this.#open.length === (this.via === 'atom' ? 1 : 2) &&
      parent === (this.via === 'atom' ? 'feed' : 'channel')
    );
  }

  #isAtom({ uri, prefix }: SaxesTagNS): boolean {
    return (
      ATOM.has(uri) || (this.via === 'atom' ? prefix === '' : CUSTOMARY_PREFIXES.has(prefix.toLowerCase()))
    );
  }

  #link(tag: SaxesTagNS): void {
    const rels = (valueOf(tag, 'rel') ?? 'alternate').toLowerCase().split(/\s+/).filter(Boolean);
    const base = this.#baseOf(tag);
    this.links.push({ rels, href: valueOf(tag, 'href') ?? '', ...(base === undefined ? {} : { base }) });
    if (this.links.length >= MOST_LINKS) this.done = true;
  }

  #has(rel: string): boolean {
    return this.links.some(({ rels }) => rels.includes(rel));
  }

  /** A base may be relative to the one around it. */
  #baseOf(tag: SaxesTagNS): string | undefined {
    const outer = this.#open.at(-1)?.base;
    const own = valueOf(tag, 'xml:base');
    if (own === undefined) return outer;
    return outer !== undefined && URL.canParse(own, outer) ? new URL(own, outer).href : own;
  }
}

function isEntry(name: string): boolean {
  return name === 'entry' || name === 'item';
}

function valueOf({ attributes }: SaxesTagNS, name: string): string | undefined {
  return attributes[name]?.value;
}
