import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib';
import { headerText, mediaTypeOf, type HttpResponse } from '@websub/shared';
import { decodeDocument } from './decode-document.js';
import type { Found, FoundLink } from './discovery.js';

/** Read of a document at most, after decompression; hub and self stand at the beginning. */
export const DOCUMENT_LIMIT = 1024 * 1024;

/** The links in the body of a resource, by what it looks like and else by its media type. Never rejects. */
export async function linksOfDocument(response: HttpResponse): Promise<Found | undefined> {
  const contentType = headerText(response.headers, 'content-type') ?? '';
  const body = await decompressed(response.body, headerText(response.headers, 'content-encoding'));
  return linksOfText(decodeDocument(body, contentType), mediaTypeOf(contentType));
}

/** The links in the text of a document. Servers mix up the types of feeds and pages, so its root counts first. */
export async function linksOfText(text: string, mediaType: string): Promise<Found | undefined> {
  const root = rootOf(text);
  if (root.kind === 'feed') return linksOfFeed(text.slice(root.at));
  if (root.kind === 'html' || mediaType.includes('html'))
    return { via: 'html', links: await linksOfHtml(text) };
  return /[/+]xml$/.test(mediaType) ? linksOfFeed(text) : undefined;
}

// The parsers are a tenth of a subscriber's start, and few need both: many hubs are given, or stand in a Link header.
async function linksOfFeed(text: string): Promise<Found | undefined> {
  const feed = await import('./feed-links.js');
  return feed.linksOfFeed(text);
}

async function linksOfHtml(text: string): Promise<readonly FoundLink[]> {
  const html = await import('./html-links.js');
  return html.linksOfHtml(text);
}

interface Root {
  readonly kind: 'feed' | 'html' | 'other';
  readonly at: number;
}

const FEED_ROOT = /^<(?:[\w.-]+:)?(?:feed|rss|rdf)[\s>]/i;
const PAGE_ROOT = /^<(?:html[\s>]|!doctype html)/i;
/** How far a root is looked for: feeds begin with style sheets, licences and the warnings of a script. */
const PROLOG_LIMIT = 64 * 1024;

/** The first tag that is the root of a feed or of a page, wherever it stands outside of comments. */
function rootOf(text: string): Root {
  const start = text.slice(0, PROLOG_LIMIT);
  for (let at = start.indexOf('<'); at >= 0; at = start.indexOf('<', at)) {
    if (start.startsWith('<!--', at)) {
      const end = start.indexOf('-->', at + 4);
      if (end < 0) break;
      at = end;
      continue;
    }
    const tag = start.slice(at, at + 64);
    if (FEED_ROOT.test(tag)) return { kind: 'feed', at };
    if (PAGE_ROOT.test(tag)) return { kind: 'html', at };
    at++;
  }
  return { kind: 'other', at: 0 };
}

// The body may end in the middle; what was compressed before is still good.
const LIMITS = { maxOutputLength: DOCUMENT_LIMIT, finishFlush: constants.Z_SYNC_FLUSH };
const DECODERS: ReadonlyMap<string, (body: Uint8Array) => Promise<Uint8Array>> = new Map([
  ['gzip', (body) => promisify(gunzip)(body, LIMITS)],
  ['x-gzip', (body) => promisify(gunzip)(body, LIMITS)],
  ['deflate', (body) => promisify(inflate)(body, LIMITS)],
  [
    'br',
    (body) => promisify(brotliDecompress)(body, { ...LIMITS, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  ],
]);

/** Some servers compress though asked not to. What cannot be read within the limit counts as empty. */
async function decompressed(body: Uint8Array, encoding: string | undefined): Promise<Uint8Array> {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return body;
  try {
    return (await DECODERS.get(name)?.(body)) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}
