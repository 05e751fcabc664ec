import { STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { destroyOnError } from './destroy-on-error.js';
import { lastAnswerOn } from './last-answer.js';

interface Complaint {
  readonly status: number;
  /** A sentence that ends with the cure. */
  readonly sentence: string;
}

const NOT_HTTP: Complaint = {
  status: 400,
  sentence: 'this is not a request as RFC 9112 (HTTP/1.1) has it: check how it is sent',
};
const NO_PROXY: Complaint = {
  status: 405,
  sentence: 'this hub is no proxy and connects nobody: use GET or POST',
};
const COMPLAINTS: ReadonlyMap<string | undefined, Complaint> = new Map([
  ['HPE_HEADER_OVERFLOW', { status: 431, sentence: 'address and headers are longer than 16 KiB: send less' }],
  [
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
    { status: 413, sentence: 'the chunk extensions are too long: leave them out' },
  ],
  [
    'ERR_HTTP_REQUEST_TIMEOUT',
    {
      status: 408,
      sentence: 'the request did not come in time: send its headers within 10 s, and all of it within 15 s',
    },
  ],
]);

/** Answers what Node cannot read as a request, or did not get in time: it would say nothing but the status. */
export function answerBrokenRequests(server: Server): void {
  server.on('connect', (_request, socket: Duplex) => {
    destroyOnError(socket);
    socket.end(answerOf(NO_PROXY));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const response = lastAnswerOn(socket);
    // This request has its answer, or half of it: more bytes would be read as its rest, or as another's.
    const isAnswered =
      response?.headersSent === true && !(response.writableFinished && response.req.complete);
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) socket.destroy(error);
    else socket.end(answerOf(COMPLAINTS.get(error.code) ?? NOT_HTTP), () => socket.destroy());
  });
}

function answerOf({ status, sentence }: Complaint): string {
  const body = `${sentence}\n`;
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
