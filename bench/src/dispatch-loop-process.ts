import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { serveCalls } from './process.js';
import { deliveryHeaders, targetsByTopic, type Target } from './targets.js';
import type { BaselinePlan } from './baseline.js';

// What undici's dispatch costs by itself: a loop over the callbacks that keeps so many requests in flight, in memory. Neither
// a promise nor a stream per delivery, and answers are not looked at: nobody would ship it.

const IN_FLIGHT = 512;
let agent = new Agent();
let byTopic: ReturnType<typeof targetsByTopic> = new Map();
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
    agent.dispatch(
      {
        origin: target.origin,
        path: target.path,
        method: 'POST',
        headers: deliveryHeaders(hub, topic, body, target.key),
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
  listen: async (plan: BaselinePlan): Promise<string> => {
    byTopic = targetsByTopic(plan);
    agent = new Agent({ connections: plan.perOrigin, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return hub;
  },
});
