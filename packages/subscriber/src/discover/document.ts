import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib';
import { headerText, mediaTypeOf, type HttpResponse } from '@websub/shared';
import type { Found } from './discovery.js';
import { linksOfFeed } from './feed-links.js';
import { linksOfHtml } from './html-links.js';

/** Read of a document at most, after decompression; hub and self stand at the beginning. */
export const DOCUMENT_LIMIT = 1024 * 1024;

/** The links in the body of a resource, by what it looks like and else by its media type. Never rejects. */
export async function linksOfDocument(response: HttpResponse): Promise<Found | undefined> {
  const contentType = headerText(response.headers, 'content-type') ?? '';
  const body = await decompressed(response.body, headerText(response.headers, 'content-encoding'));
  const text = decoded(body);
  switch (kindOf(text, mediaTypeOf(contentType))) {
    case 'feed':
      return linksOfFeed(text);
    case 'html':
      return { via: 'html', links: linksOfHtml(text) };
    case 'other':
      return undefined;
  }
}

/** Servers mix up the types of feeds and pages, so the document's own beginning counts first. */
function kindOf(text: string, mediaType: string): 'feed' | 'html' | 'other' {
  const start = text.slice(0, 2_048).toLowerCase();
  if (/<(?:\w+:)?(?:feed|rss|rdf)[\s>]/.test(start) && !/<html[\s>]/.test(start)) return 'feed';
  if (mediaType.includes('html') || /<!doctype html|<html[\s>]/.test(start)) return 'html';
  return /[/+]xml$/.test(mediaType) ? 'feed' : 'other';
}

/** Markup and URLs are ASCII in every encoding in use but UTF-16, which its byte order mark tells. */
function decoded(body: Uint8Array): string {
  const utf16 =
    body[0] === 0xff && body[1] === 0xfe
      ? 'utf-16le'
      : body[0] === 0xfe && body[1] === 0xff
        ? 'utf-16be'
        : undefined;
  return new TextDecoder(utf16).decode(body);
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
