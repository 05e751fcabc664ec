import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { serveCalls } from './process.js';
import { secretOf } from './update.js';
import type { BaselinePlan } from './baseline.js';

// What undici's dispatch costs by itself: a loop over the callbacks that keeps so many requests in flight, in memory.

interface Target {
  readonly origin: string;
  readonly path: string;
  readonly key: KeyObject;
}

const IN_FLIGHT = 512;
let agent = new Agent();
const byTopic = new Map<string, Target[]>();
let hub = '';
const queue: { readonly target: Target; readonly topic: string; readonly body: Buffer }[] = [];
let next = 0;
let inFlight = 0;

const handler: Dispatcher.DispatchHandler = {
  onRequestStart: () => undefined,
  onResponseStart: () => undefined,
  onResponseData: () => undefined,
  onResponseEnd: () => done(),
  onResponseError: () => done(),
};

function done(): void {
  inFlight -= 1;
  pump();
}

function pump(): void {
  while (inFlight < IN_FLIGHT) {
    const one = queue[next];
    if (one === undefined) {
      queue.length = next = 0;
      return;
    }
    next += 1;
    inFlight += 1;
    const { target, topic, body } = one;
    const signature = createHmac('sha256', target.key).update(body).digest('hex');
    agent.dispatch(
      {
        origin: target.origin,
        path: target.path,
        method: 'POST',
        headers: {
          'content-type': 'application/octet-stream',
          link: `<${hub}>; rel="hub", <${topic}>; rel="self"`,
          'x-hub-signature': `sha256=${signature}`,
        },
        body,
      },
      handler,
    );
  }
}

const server = createServer((request, response) => {
  const topic = new URL(request.url ?? '', 'http://hub').searchParams.get('hub.topic') ?? '';
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(202).end();
    const body = Buffer.concat(chunks);
    for (const target of byTopic.get(topic) ?? []) queue.push({ target, topic, body });
    pump();
  });
});

serveCalls({
  listen: async ({ callbacks, topics, perOrigin }: BaselinePlan): Promise<string> => {
    agent = new Agent({ connections: perOrigin, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (const [n, callback] of callbacks.entries()) {
      const { origin, pathname } = new URL(callback);
      const topic = topics[n % topics.length] ?? '';
      const targets = byTopic.get(topic) ?? [];
      byTopic.set(topic, targets);
      targets.push({ origin, path: pathname, key: createSecretKey(Buffer.from(secretOf(n))) });
    }
    return hub;
  },
});
