import type { WebSubError } from '@websub/shared';
import type { MatchedBy } from '../dispatch/select.js';

/** A request to a callback, whatever brought it. */
export interface CallbackRequest {
  readonly method: string;
  /** Path and query below the point where the subscriber is mounted. */
  readonly url: string;
  /** Path and query as the client sent them. */
  readonly originalUrl: string;
  readonly headers: Headers;
  /** Reads the body as it came, up to `limit` bytes. Never rejects. */
  readBody(limit: number): Promise<ReadBody>;
}

export type ReadBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  /** Something before us has read it, and kept no copy of the bytes. */
  | { readonly kind: 'consumed' }
  /** The client went away before its request was whole; nobody is left to answer. */
  | { readonly kind: 'gone' };

export interface CallbackAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer, and how it came about. */
export interface Outcome {
  readonly answer: CallbackAnswer;
  /** The method that took the notification. */
  readonly handler?: string;
  readonly matchedBy?: MatchedBy;
  readonly error?: WebSubError;
}

// What is echoed must not become a page, a script or a download (see isSafeChallenge), and the callback's URL is a
// secret that no Referer may carry.
const GUARDS = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

export function answer(
  status: number,
  body = '',
  headers: Readonly<Record<string, string>> = {},
): CallbackAnswer {
  return { status, headers: { ...GUARDS, ...headers }, body };
}

const COME_AGAIN_SECONDS = 10;

/** Not now: the sender is to come again. */
export function comeAgain(seconds = COME_AGAIN_SECONDS): CallbackAnswer {
  return answer(503, 'come again later', { 'retry-after': String(seconds) });
}
