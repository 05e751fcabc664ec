import type { IncomingMessage } from 'node:http';
import { NetworkPolicy } from '@websub/shared';
import { clientOf, type IsTrusted } from './client.js';

export interface PrivacyOptions {
  readonly network: NetworkPolicy;
  readonly isTrusted: IsTrusted;
  readonly hubUrl: () => string;
}

/** Whether nobody on the way could read a request. */
export type IsPrivate = (request: IncomingMessage) => boolean;

const THIS_MACHINE = new NetworkPolicy({ allowLoopback: true });

/** Whether it came by TLS, as the proxy says that ends it, from this machine, or in the operator's own networks. */
export function privacyOf({ network, isTrusted, hubUrl }: PrivacyOptions): IsPrivate {
  return (request) => {
    const { socket, headers } = request;
    const [told = ''] = String(headers['x-forwarded-proto'] ?? '').split(',', 1);
    const scheme = told.trim().toLowerCase();
    if (scheme === 'https' && isTrusted(socket.remoteAddress ?? '', 0)) return true;
    const client = clientOf(request, isTrusted);
    // The proxy is on this machine, and nobody has said that it is to be trusted; against the client it is.
    const isTold = hubUrl().startsWith('https:') && scheme === 'http';
    return !isTold && (THIS_MACHINE.exempts(client) || network.exempts(client));
  };
}
