import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Systems give ports above these to whoever asks for any, also to connections that go out, of which other tests have thousands. */
const BELOW_EPHEMERAL = 32_768;
const ABOVE_WELL_KNOWN = 10_000;
const MOST_TRIES = 100;

/** A port of this machine on which nobody listens, and which the system gives to nobody until it is asked for. */
export async function freePort(): Promise<number> {
  for (let nth = 0; nth < MOST_TRIES; nth++) {
    const port = randomInt(ABOVE_WELL_KNOWN, BELOW_EPHEMERAL);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${MOST_TRIES} ports was free`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
