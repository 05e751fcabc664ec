import type { IncomingMessage } from 'node:http';
import type { Shown } from '../gate/gate.js';

export interface ShownCredentialOptions {
  /** Whether `?token=` counts: URLs end up in the logs of proxies and in the histories of browsers. */
  readonly queryToken: boolean;
}

/** A token behind a role, as some clients put it into `x-api-key`: `tenant.eyJ…`. */
const ROLE_AND_TOKEN = /^[\w-]+\.(eyJ[\w-]*\.[\w-]*\.[\w-]*)$/;

const BEARER = 'hub.bearer.';
const ANYCABLE = 'anycable-token.';

/**
 * The one place where a credential is read from a request, also from one that upgrades. The first of these counts:
 * `Authorization: Bearer CREDENTIAL`, `Authorization: Basic` with the credential as password and any user, `X-Api-Key:
 * CREDENTIAL`, a subprotocol `hub.bearer.BASE64URL` or `anycable-token.CREDENTIAL` (all that a browser lets a page say when it
 * opens a WebSocket), `?ticket=`, and `?token=` or `?jid=` (AnyCable's name for it) where they are allowed.
 */
export function shownCredential(
  request: IncomingMessage,
  { queryToken }: ShownCredentialOptions,
): Shown | undefined {
  const { headers } = request;
  const text =
    fromAuthorization(headers.authorization) ??
    fromApiKey(headers['x-api-key']) ??
    fromSubprotocols(headers['sec-websocket-protocol']);
  if (text !== undefined) return { kind: 'secret', text };
  const { ticket, token } = fromQuery(request.url ?? '');
  if (ticket !== null) return { kind: 'ticket', text: ticket };
  return queryToken && token !== null ? { kind: 'secret', text: token } : undefined;
}

function fromAuthorization(header: string | undefined): string | undefined {
  const [, scheme = '', rest = ''] = /^(\w+) +(\S+) *$/.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return rest;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(rest, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

function fromApiKey(header: string | readonly string[] | undefined): string | undefined {
  // Node joins the lines of a header that it does not know, so there is one text.
  if (typeof header !== 'string' || header === '') return undefined;
  return ROLE_AND_TOKEN.exec(header)?.[1] ?? header;
}

/** Whether what a client offers as subprotocol is a credential, which is never echoed. */
export function isCredential(subprotocol: string): boolean {
  return subprotocol.startsWith(BEARER) || subprotocol.startsWith(ANYCABLE);
}

function fromSubprotocols(header: string | undefined): string | undefined {
  const offered = header?.split(',').map((each) => each.trim()) ?? [];
  const found = offered.find(isCredential);
  if (found === undefined) return undefined;
  return found.startsWith(BEARER)
    ? Buffer.from(found.slice(BEARER.length), 'base64url').toString()
    : found.slice(ANYCABLE.length);
}

// Or a parameter whose name has an escape, which may stand for any of these.
const NAMES_ONE = /[?&](?:ticket|token|jid|[^=&]*%[^=&]*)(?:[=&]|$)/;

function fromQuery(url: string): { readonly ticket: string | null; readonly token: string | null } {
  // Each publication asks, and hardly one has any of them.
  if (!NAMES_ONE.test(url)) return { ticket: null, token: null };
  const start = url.indexOf('?');
  const query = new URLSearchParams(url.slice(start + 1));
  return { ticket: query.get('ticket'), token: query.get('token') ?? query.get('jid') };
}
