import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type ProxyAddress from 'proxy-addr';

// To import it, Node would read it for names of exports first, a thirtieth of a hub's start.
const proxyAddress = createRequire(import.meta.url)('proxy-addr') as typeof ProxyAddress;

/** Whether this is the address of a proxy that is believed; `hop` counts from the hub. */
export type IsTrusted = (address: string, hop: number) => boolean;

/** `ranges`: addresses, or ranges of them as CIDR writes them. */
export function trustedProxies(ranges: readonly string[]): IsTrusted {
  return proxyAddress.compile([...ranges]);
}

/** The address of who sent the request, in front of all proxies that are trusted; empty when the connection is gone. */
export function clientOf(request: IncomingMessage, isTrusted: IsTrusted): string {
  return request.socket.remoteAddress === undefined ? '' : proxyAddress(request, isTrusted);
}
