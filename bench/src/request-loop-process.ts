import express, { type Request } from 'express';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { serveCalls } from './process.js';
import { deliveryHeaders, targetsByTopic, type Target } from './targets.js';
import type { BaselinePlan } from './baseline.js';

// What is written where no hub is at hand: express takes the publication, and undici's `request` sends it to so many callbacks
// at a time, in memory.

const AT_ONCE = 64;
const LARGEST_BODY = '1mb';

type Publication = Request<object, unknown, Buffer, { readonly 'hub.topic': string }>;

interface Delivery {
  readonly target: Target;
  readonly topic: string;
  readonly body: Buffer;
}

let agent = new Agent();
let byTopic: ReturnType<typeof targetsByTopic> = new Map();
let hub = '';
let queue: Delivery[] = [];
let next = 0;
let senders = 0;

async function deliver({ target, topic, body }: Delivery): Promise<void> {
  const answer = await request(target.callback, {
    dispatcher: agent,
    method: 'POST',
    headers: deliveryHeaders(hub, topic, body, target.key),
    body,
  });
  // Its connection is free for another one only when it is read.
  await answer.body.dump();
}

/** Ends when nothing is left. */
async function send(): Promise<void> {
  senders += 1;
  for (let one = queue[next]; one !== undefined; one = queue[next]) {
    next += 1;
    // Whoever refuses is given nothing; nothing is tried again.
    await deliver(one).catch(() => undefined);
  }
  senders -= 1;
  if (senders === 0) {
    queue = [];
    next = 0;
  }
}

const app = express();
app.post(
  '/',
  express.raw({ type: () => true, limit: LARGEST_BODY }),
  (publication: Publication, response) => {
    response.status(202).end();
    const { query, body } = publication;
    const topic = query['hub.topic'];
    for (const target of byTopic.get(topic) ?? []) queue.push({ target, topic, body });
    while (senders < AT_ONCE && next < queue.length) void send();
  },
);

serveCalls({
  listen: async (plan: BaselinePlan): Promise<string> => {
    byTopic = targetsByTopic(plan);
    agent = new Agent({ connections: plan.perOrigin });
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return hub;
  },
});
