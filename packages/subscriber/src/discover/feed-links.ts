import { SaxesParser, type SaxesTagNS } from 'saxes';
import type { Found, FoundLink } from './discovery.js';

const ATOM = 'http://www.w3.org/2005/Atom';
// Feeds that forget to declare the prefix still mean it.
const CUSTOMARY_PREFIXES = new Set(['atom', 'atom10', 'a10']);
const PIECE = 4_096;
const MOST_ELEMENTS = 2_000;
// Each fault costs an Error with its stack: a megabyte of them takes most of a second.
const MOST_FAULTS = 200;

/**
 * The links of an Atom feed (`feed/link`) or an RSS one (`channel/atom:link`); `undefined` for other XML. Reads no
 * further than the first entry, knows no DTD entities, and takes what it found where the markup breaks.
 */
export function linksOfFeed(xml: string): Found | undefined {
  const reader = new FeedReader();
  for (let at = 0; at < xml.length && !reader.done; at += PIECE) reader.read(xml.slice(at, at + PIECE));
  return reader.via === undefined ? undefined : { via: reader.via, links: reader.links };
}

class FeedReader {
  readonly links: FoundLink[] = [];
  via: 'atom' | 'rss' | undefined;
  done = false;
  readonly #parser = new SaxesParser({ xmlns: true });
  readonly #open: { readonly name: string; readonly base: string | undefined }[] = [];
  #elements = 0;
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
    if (++this.#elements > MOST_ELEMENTS || name === 'entry' || name === 'item') this.done = true;
    else if (name === 'link' && this.#inHeader(parent?.name) && this.#isAtom(tag)) this.#link(tag);
    this.#open.push({ name, base: valueOf(tag, 'xml:base') ?? parent?.base });
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
      uri === ATOM || (this.via === 'atom' ? prefix === '' : CUSTOMARY_PREFIXES.has(prefix.toLowerCase()))
    );
  }

  #link(tag: SaxesTagNS): void {
    const rels = (valueOf(tag, 'rel') ?? 'alternate').toLowerCase().split(/\s+/).filter(Boolean);
    const base = valueOf(tag, 'xml:base') ?? this.#open.at(-1)?.base;
    this.links.push({ rels, href: valueOf(tag, 'href') ?? '', ...(base === undefined ? {} : { base }) });
  }
}

function valueOf({ attributes }: SaxesTagNS, name: string): string | undefined {
  return attributes[name]?.value;
}
