import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { joinSmallWrites } from '@websub/shared';
import { DRAINED_BYTES } from '../bridge/back-pressure.js';
import { OptionError } from '../option-error.js';
import { answerBrokenRequests } from './broken-request.js';
import { noteAnswer } from './last-answer.js';
import type { MessageKinds } from './message-kinds.js';
import { sendPlain } from './problem.js';

const MAX_HEADER_BYTES = 16 * 1024;
/** Headers of a request that are admitted. */
export const MOST_HEADERS = 100;
// More than that, so that it can be seen that there were too many; Node would drop the rest silently.
const HEADERS_READ = MOST_HEADERS + 2;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const CHECK_TIMEOUTS_MS = 1_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_CONNECTIONS = 25_000;

const NO_SUCH_EXPECTATION = 'nothing but 100-continue can be expected: send another Expect header, or none';

const PORT_TROUBLE = { EADDRINUSE: 'is in use', EACCES: 'may not be used by this user' };

/** A server that no slow or oversized request can hold for long. `kinds`: default those of Node. */
export function createHubServer(listener: RequestListener, kinds: Partial<MessageKinds> = {}): Server {
  const answer: RequestListener = (request, response) => {
    noteAnswer(response);
    listener(request, response);
  };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      highWaterMark: DRAINED_BYTES,
      // The app says so in words.
      requireHostHeader: false,
      ...kinds,
    },
    answer,
  );
  server.on('connection', joinSmallWrites);
  server.maxHeadersCount = HEADERS_READ;
  server.maxConnections = MAX_CONNECTIONS;
  // It is for whoever reads the body to ask for it.
  server.on('checkContinue', answer);
  server.on('checkExpectation', (_request, response) => {
    noteAnswer(response);
    sendPlain(response, 417, NO_SUCH_EXPECTATION);
  });
  answerBrokenRequests(server);
  return server;
}

/** Settles with the URL when the server listens; rejects with an {@link OptionError} when the address cannot be had. */
export function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code ?? cause.message;
      reject(
        why === 'EADDRINUSE' || why === 'EACCES'
          ? new OptionError('port', `${port} ${PORT_TROUBLE[why]}: choose another one`)
          : new OptionError(
              'host',
              `${host} cannot be listened on (${why}): give an address of this machine`,
            ),
      );
    });
    server.listen(port, host, () => {
      const { address, port: actual, family } = server.address() as AddressInfo;
      const name = host === address && family === 'IPv6' ? `[${host}]` : host;
      resolve(`http://${name}:${actual}/`);
    });
  });
}
