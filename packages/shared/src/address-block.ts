import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What a provider gives one customer at least (RFC 6177). */
const IPV6_BITS = 64;

/**
 * The party behind an IP address, for bounds per client: an IPv4 address itself, also where it is written as IPv6, and the
 * /64 of an IPv6 address, since whoever has one has all 2^64 of them. Anything else stands for itself.
 */
export function addressBlock(address: string): string {
  // As most are; to have ipaddr.js parse them was a tenth of what it took to open a stream.
  if (isIPv4(address)) return address;
  const plain = address.replace(/%.*$/, '');
  if (!ipaddr.isValid(plain)) return address;
  const parsed = ipaddr.process(plain);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${IPV6_BITS}`).toString()}/${IPV6_BITS}`;
}
