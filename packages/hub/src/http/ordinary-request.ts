import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Serves a request that would rather have another protocol (Java's client asks for `h2c` with each request) as if it had not
 * asked, which RFC 9110 §7.8 allows. A server of Node that listens for upgrades reads no body of such a request, so the
 * connection is given to it anew, with the request as it was but for the question.
 */
export function asOrdinaryRequest(
  server: Server,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  duplex: Duplex,
  head: Buffer,
): void {
  const lines: string[] = [];
  for (let nth = 0; nth + 1 < rawHeaders.length; nth += 2) {
    const [name = '', value = ''] = rawHeaders.slice(nth, nth + 2);
    if (!/^(?:upgrade|http2-settings)$/i.test(name))
      lines.push(`${name}: ${withoutUpgrade(name, value)}\r\n`);
  }
  // Node reads header lines as latin1.
  const request = Buffer.from(`${method} ${url} HTTP/${httpVersion}\r\n${lines.join('')}\r\n`, 'latin1');
  duplex.unshift(Buffer.concat([request, head]));
  server.emit('connection', duplex);
}

function withoutUpgrade(name: string, value: string): string {
  if (name.toLowerCase() !== 'connection') return value;
  const others = value.split(',').filter((token) => !/^\s*(?:upgrade|http2-settings)\s*$/i.test(token));
  return others.length === 0 ? 'keep-alive' : others.join(',');
}
