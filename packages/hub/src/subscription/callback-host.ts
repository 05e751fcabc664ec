import { createRequire } from 'node:module';
import type * as Tldts from 'tldts';

// To import it, Node would read all of its list of suffixes for names of exports, a twentieth of a hub's start.
const { getDomain } = createRequire(import.meta.url)('tldts') as typeof Tldts;

/** A URL up to its path, which says all about the party. */
const AUTHORITY = /^https?:\/\/[^/?#\\]+/i;
const MOST_REMEMBERED = 10_000;
/** Parties by that: to parse it for each of a million callbacks is a tenth of a start with them. */
const parties = new Map<string, string>();

/**
 * The party behind a callback, for bounds per host: registrable domain and port, so that inventing host names below one
 * domain wins no further slots. An IP address and a single-label name stand for themselves.
 */
export function callbackHost(callback: string): string {
  const authority = AUTHORITY.exec(callback)?.[0] ?? callback;
  const known = parties.get(authority);
  if (known !== undefined) return known;
  const party = partyOf(authority);
  // Hosts are a stranger's choice: forgotten as a whole, the memory stays bounded (LAW 8).
  if (parties.size >= MOST_REMEMBERED) parties.clear();
  parties.set(authority, party);
  return party;
}

function partyOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  // Below a public suffix such as github.io each customer is a party of its own.
  const party = getDomain(hostname, { allowPrivateDomains: true }) ?? hostname;
  return `${party}:${port || (protocol === 'https:' ? '443' : '80')}`;
}
