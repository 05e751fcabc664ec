import { createRequire } from 'node:module';
import type * as Tldts from 'tldts';

// To import it, Node would read all of its list of suffixes for names of exports, a twentieth of a hub's start.
const { getDomain } = createRequire(import.meta.url)('tldts') as typeof Tldts;

/**
 * The party behind a callback, for bounds per host: registrable domain and port, so that inventing host names below one
 * domain wins no further slots. An IP address and a single-label name stand for themselves.
 */
export function callbackHost(callback: string): string {
  const { hostname, port, protocol } = new URL(callback);
  // Below a public suffix such as github.io each customer is a party of its own.
  const party = getDomain(hostname, { allowPrivateDomains: true }) ?? hostname;
  return `${party}:${port || (protocol === 'https:' ? '443' : '80')}`;
}
