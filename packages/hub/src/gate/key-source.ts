import { readFile } from 'node:fs/promises';
import type { HttpClient } from '@websub/shared';

/** Where a key set is read from, again and again. */
export interface KeySource {
  /** Whether what it gives is known to us alone. */
  readonly secret: boolean;
  /** Settles with its text; rejects with an error that says why there is none. */
  read(): Promise<string>;
}

const MOST_BYTES = 256 * 1024;

export function keyFile(path: string): KeySource {
  // As from a URL, without the byte order mark with which some editors begin a file.
  return { secret: true, read: async () => new TextDecoder().decode(await readFile(path)) };
}

/** No redirect is followed: whoever can redirect could name keys. */
export function keyUrl(url: string, http: HttpClient, userAgent: string): KeySource {
  return {
    secret: false,
    async read() {
      const outcome = await http.send({
        method: 'GET',
        url,
        headers: { 'user-agent': userAgent, accept: 'application/jwk-set+json, application/json' },
        answer: { kind: 'body', maxBytes: MOST_BYTES },
      });
      if (outcome.kind === 'failure') throw new Error(outcome.detail);
      if (outcome.status !== 200) throw new Error(`it was answered ${outcome.status}`);
      return new TextDecoder().decode(outcome.body);
    },
  };
}
