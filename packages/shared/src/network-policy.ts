import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { WebSubError } from './errors.js';

/** Which addresses may be connected to (LAW 9). Absent options forbid. */
export interface NetworkPolicyOptions {
  /** Allows 127.0.0.0/8 and ::1, for development on one machine. Default false. */
  readonly allowLoopback?: boolean;
  /** CIDR ranges exempt from the ban on addresses that are not public, such as `10.0.0.0/8`. Default none. */
  readonly allow?: readonly string[];
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

// All that IANA has given out as global unicast; the library counts the rest, ::a.b.c.d among it, as unicast too.
const ASSIGNED_IPV6: Range = ipaddr.IPv6.parseCIDR('2000::/3');

const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];

/**
 * Public unicast addresses are allowed, every special-purpose range of IANA is forbidden (private, link-local,
 * loopback, multicast, and IPv6 ranges that embed an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo), except what
 * the options exempt.
 */
export class NetworkPolicy {
  /** What it was made of: they can be handed to another thread, which makes the same policy of them. */
  readonly options: NetworkPolicyOptions;
  readonly #allowed: readonly Range[];

  /** Throws `invalid_configuration` naming the range that is not CIDR. */
  constructor(options: NetworkPolicyOptions = {}) {
    this.options = options;
    this.#allowed = [...(options.allowLoopback === true ? LOOPBACK : []), ...(options.allow ?? [])].map(
      parseCidr,
    );
  }

  /** Whether an option exempts this IP address from the ban: it belongs to the operator's own networks. */
  exempts(address: string): boolean {
    if (isIP(address) === 0) return false;
    const parsed = ipaddr.process(address.replace(/%.*$/, ''));
    return this.#allowed.some((range) => parsed.kind() === range[0].kind() && parsed.match(range));
  }

  /** Whether this IP address, as `net` and resolvers write it, may be connected to. */
  allows(address: string): boolean {
    if (isIP(address) === 0) return false;
    const parsed = ipaddr.parse(address.replace(/%.*$/, ''));
    if (this.#allowed.some((range) => parsed.kind() === range[0].kind() && parsed.match(range))) return true;
    return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(ASSIGNED_IPV6));
  }

  /**
   * For a host that is an IP literal: whether it is allowed. `undefined` for a name, which has to be resolved first.
   * Expects `URL.hostname`, which has normalised spellings such as `127.1` and `0x7f000001`.
   */
  allowsLiteral(hostname: string): boolean | undefined {
    const literal = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
    return ipaddr.isValid(literal) ? this.allows(literal) : undefined;
  }

  /** Throws `forbidden_address` when the URL's host is an IP literal that is not allowed; `field` is named. */
  checkLiteral(url: URL, field: string): void {
    if (this.allowsLiteral(url.hostname) !== false) return;
    throw new WebSubError(
      'forbidden_address',
      `${field} has an address that this system may not connect to: use a public host`,
    );
  }
}

function parseCidr(range: string): Range {
  try {
    return ipaddr.parseCIDR(range);
  } catch {
    throw new WebSubError(
      'invalid_configuration',
      `"${range}" is not a CIDR range: write it like 10.0.0.0/8 or fd00::/8`,
    );
  }
}
