import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Outgoing {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** One request as a client without opinions makes it: no redirects followed, nothing added, nothing decoded. */
export function send(url: string, request: Outgoing = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, timeoutMs = 15_000 } = request;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, agent, headers: mutable(headers, body) }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: whole,
          text: whole.toString(),
        });
      });
    });
    outgoing.setTimeout(timeoutMs, () =>
      outgoing.destroy(new Error(`${method} ${url} was not answered in ${timeoutMs} ms`)),
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed the idle connection in the moment in which it was used again.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') send(url, request).then(resolve, reject);
      else reject(error);
    });
    outgoing.end(body);
  });
}

function mutable(
  headers: NonNullable<Outgoing['headers']>,
  body: Outgoing['body'],
): Record<string, string | string[]> {
  const copy: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    copy[name] = typeof value === 'string' ? value : [...value];
  if (body !== undefined) copy['content-length'] = String(Buffer.byteLength(body));
  return copy;
}

/** What came back on a raw connection until the other side closed it, or until `timeoutMs`. */
export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly text: string;
  readonly closed: boolean;
  readonly tookMs: number;
}

export interface RawOptions {
  readonly timeoutMs?: number;
  /** Sent after `first`, one piece each `everyMs`, for as long as the connection lives. */
  readonly drip?: { readonly piece: string; readonly everyMs: number };
  /** Settles with the first answer instead of waiting for the other side to close. */
  readonly untilAnswered?: boolean;
}

/** Writes bytes that no HTTP client would write. Never rejects: a reset is `closed` with what had been read. */
export function sendRaw(
  url: string,
  first: string | Uint8Array,
  options: RawOptions = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { timeoutMs = 20_000, drip, untilAnswered = false } = options;
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const chunks: Buffer[] = [];
    let dripping: NodeJS.Timeout | undefined;
    const finish = (closed: boolean): void => {
      clearTimeout(limit);
      clearInterval(dripping);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, text, closed, tookMs: performance.now() - startedAt });
    };
    const limit = setTimeout(() => finish(false), timeoutMs);
    socket.on('connect', () => {
      socket.write(first);
      if (drip !== undefined) dripping = setInterval(() => socket.write(drip.piece), drip.everyMs);
    });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (untilAnswered && Buffer.concat(chunks).includes('\r\n\r\n')) finish(false);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => finish(true));
  });
}

/** The `Link` header of a delivery: targets and relation types, as RFC 8288 lets a hub write them. */
export function linksOf(
  header: string | undefined,
): { readonly href: string; readonly rels: readonly string[] }[] {
  const parameter = /\s*;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/y;
  const text = header ?? '';
  const links: { href: string; rels: string[] }[] = [];
  for (const target of text.matchAll(/<([^>]*)>/g)) {
    const link = { href: target[1] ?? '', rels: [] as string[] };
    parameter.lastIndex = target.index + target[0].length;
    // Each match moves on, so this ends with the header.
    for (let found = parameter.exec(text); found !== null; found = parameter.exec(text)) {
      if (found[1]?.toLowerCase() === 'rel')
        link.rels.push(...(found[2] ?? found[3] ?? '').toLowerCase().split(/\s+/));
    }
    links.push(link);
  }
  return links;
}
