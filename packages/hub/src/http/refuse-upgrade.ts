import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { problemText } from './problem.js';

/** Why a connection is not made, as an answer over HTTP. */
export interface UpgradeRefusal {
  readonly status: number;
  /** A sentence that ends with the cure. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request to upgrade, for which Node has no response object, with problem details, and ends the connection. */
export function refuseUpgrade(duplex: Duplex, path: string, refusal: UpgradeRefusal): void {
  const { status, detail, headers = {} } = refusal;
  const body = problemText(status, detail, path);
  const lines = Object.entries({
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  duplex.once('finish', () => duplex.destroy());
  duplex.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
