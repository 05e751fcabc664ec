import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { reasonOf } from '@websub/shared';

export type Decoded =
  | { readonly kind: 'decoded'; readonly body: Uint8Array }
  | { readonly kind: 'failure'; readonly detail: string };

const DECODERS: ReadonlyMap<
  string,
  (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>
> = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/**
 * Takes off one content coding that a server applied although identity was asked for. More than one is refused: chains
 * serve only to build bombs. Never rejects.
 */
export async function decodeContent(
  body: Uint8Array,
  coding: string | undefined,
  maxBytes: number,
): Promise<Decoded> {
  const name = (coding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return { kind: 'decoded', body };
  const decode = DECODERS.get(name);
  if (decode === undefined)
    return { kind: 'failure', detail: 'the content has a coding that this hub does not read' };
  try {
    return { kind: 'decoded', body: await decode(body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    return { kind: 'failure', detail: `the content could not be decoded: ${reasonOf(error)}` };
  }
}
