import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCalls } from './process.js';
import { contentOf } from './update.js';

// Topics that have changed whenever they are fetched.

let bytes = 0;
let next = 0;

const server = createServer((_request, response) => {
  const content = contentOf(next++, bytes);
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': content.byteLength });
  response.end(content);
});

serveCalls({
  listen: async (call: { readonly bytes: number }): Promise<string> => {
    bytes = call.bytes;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  /** How many contents were given. */
  given: () => next,
});
