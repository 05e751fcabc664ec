import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Arriving } from './arriving.js';
import { serveCalls, sharedNow } from './process.js';
import type { StreamKind } from './streams.js';

// Many readers of one stream, as raw as can be: they look for the mark of each update in what they are sent.

const MARK = /#(\d+);/g;
const LONGEST_MARK = 16;
const CONNECTING_AT_ONCE = 100;
const PING = 0x89;
const PONG = 0x8a;
const END_OF_HEAD = '\r\n\r\n';

interface Reader {
  readonly socket: Socket;
  /** The end of what came, where the mark of an update may begin. */
  tail: string;
  last: number;
  /** The beginning of a frame of which not enough has come. */
  head: Buffer;
  /** Bytes that have still to come of a frame that is of no interest. */
  beyond: number;
}

let readers: Reader[] = [];
const arriving = new Arriving();
let lastAt = 0;
let problems: string[] = [];

serveCalls({
  open: async (call: {
    readonly kind: StreamKind;
    readonly url: string;
    readonly topic: string;
    readonly readers: number;
    readonly earliest: boolean;
  }) => {
    for (let opened = 0; opened < call.readers; opened += CONNECTING_AT_ONCE) {
      const some = Math.min(CONNECTING_AT_ONCE, call.readers - opened);
      readers.push(...(await Promise.all(Array.from({ length: some }, () => open(call)))));
    }
  },
  /** Settles when all readers together were given so many since the last time, with the time of the last. */
  await: async ({ count }: { readonly count: number }): Promise<number> => {
    await arriving.await(count);
    return lastAt;
  },
  collect: (): { readonly received: number; readonly problems: readonly string[] } => {
    const collected = { received: arriving.count, problems };
    arriving.reset();
    problems = [];
    return collected;
  },
  close: () => {
    for (const { socket } of readers) socket.destroy();
    readers = [];
  },
});

function open(call: {
  readonly kind: StreamKind;
  readonly url: string;
  readonly topic: string;
  readonly earliest: boolean;
}): Promise<Reader> {
  const { host, hostname, port } = new URL(call.url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const reader: Reader = { socket, tail: '', last: -1, head: Buffer.alloc(0), beyond: 0 };
  socket.write(greeting(call, host));
  return new Promise((resolve, reject) => {
    let head = '';
    const onHead = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!isReady(call.kind, head)) return;
      socket.off('data', onHead);
      socket.on('data', (more: Buffer) => {
        if (call.kind === 'websocket') answerPings(reader, more);
        take(reader, more);
      });
      const beginning = Buffer.from(head, 'latin1');
      if (call.kind === 'websocket')
        answerPings(reader, beginning.subarray(beginning.indexOf(END_OF_HEAD) + END_OF_HEAD.length));
      take(reader, beginning);
      resolve(reader);
    };
    socket.on('data', onHead);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed: ${head}`)));
    if (call.kind === 'websocket') socket.write(subscribeFrame(call.topic, call.earliest));
  });
}

function greeting(call: { kind: StreamKind; topic: string; earliest: boolean }, host: string): string {
  const query = `topic=${encodeURIComponent(call.topic)}${call.earliest ? '&since=earliest' : ''}`;
  if (call.kind === 'sse')
    return `GET /v1/sse?${query}&control=live HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`;
  const key = randomBytes(16).toString('base64');
  return (
    `GET /v1/ws HTTP/1.1\r\nhost: ${host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
    `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\nsec-websocket-protocol: hub.v1.json\r\n\r\n`
  );
}

/** A reader counts as there once the server has said so: what is published from then on is for it. */
function isReady(kind: StreamKind, head: string): boolean {
  if (kind === 'sse') return /^HTTP\/1.1 200[^]*(event: live|#\d+;)/.test(head);
  return head.startsWith('HTTP/1.1 101') && head.includes('"ok"');
}

/** Answers pings, which may come in one piece with messages. Heads of frames that come in two pieces wait for the second. */
function answerPings(reader: Reader, chunk: Buffer): void {
  const bytes = reader.head.byteLength === 0 ? chunk : Buffer.concat([reader.head, chunk]);
  let at = reader.beyond;
  // Each round goes over one frame at least of two bytes.
  while (at + 2 <= bytes.byteLength) {
    const short = bytes[at + 1]!;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + headBytes > bytes.byteLength) break;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
    const end = at + headBytes + length;
    if (bytes[at] === PING) {
      // A control frame is short (RFC 6455 §5.5); one that comes in two pieces waits whole.
      if (end > bytes.byteLength) break;
      const payload = bytes.subarray(at + headBytes, end);
      reader.socket.write(Buffer.concat([Buffer.from([PONG, 0x80 | length, 0, 0, 0, 0]), payload]));
    }
    at = end;
  }
  reader.beyond = Math.max(0, at - bytes.byteLength);
  reader.head = bytes.subarray(Math.min(at, bytes.byteLength));
}

/** A masked text frame; the mask is zero, as nothing stands in between that it could protect. */
function subscribeFrame(topic: string, earliest: boolean): Buffer {
  const text = JSON.stringify({
    op: 'sub',
    sid: 's',
    topics: [topic],
    ...(earliest && { from: 'earliest' }),
  });
  const payload = Buffer.from(text);
  const head = Buffer.from([
    0x81,
    0x80 | 126,
    payload.byteLength >> 8,
    payload.byteLength & 0xff,
    0,
    0,
    0,
    0,
  ]);
  return Buffer.concat([head, payload]);
}

function take(reader: Reader, chunk: Buffer): void {
  lastAt = sharedNow();
  const text = reader.tail + chunk.toString('latin1');
  let end = 0;
  for (const mark of text.matchAll(MARK)) {
    const update = Number(mark[1]);
    if (reader.last >= 0 && update !== reader.last + 1) problems.push(`${update} came after ${reader.last}`);
    reader.last = update;
    arriving.note();
    end = mark.index + mark[0].length;
  }
  reader.tail = text.slice(Math.max(end, text.length - LONGEST_MARK));
}
