import { expect, it } from 'vitest';
import { ping, subscribed } from '../support/requests.js';
import type { Reply } from '../support/listener.js';
import type { Topic } from '../support/topics.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';
import { randomFrom } from './load.js';

/** Pings of each topic; `npm run faults` takes more. */
const ROUNDS = Number(process.env['PING_ROUNDS'] ?? 6);
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const FAILING = 0.2;
const TOPICS = 6;
// The hub tries again after 1, 5, 30, … s.
const MOST_IN_A_ROW = 2;
const MINUTE = 60_000;

const world = useWorld();

it(
  `no update is lost while a fifth of the fetches fail, hang or break off (CHAOS_SEED=${SEED})`,
  async () => {
    const random = randomFrom(SEED);
    const failed = { error: 0, hang: 0, short: 0, reset: 0 };
    const topics = Array.from({ length: TOPICS }, () => world.topic());
    const callbacks = await Promise.all(
      topics.map(async (topic) => {
        const callback = world.callback();
        await subscribed(world.hub, callback, topic.url);
        let inARow = 0;
        topic.onRequest = (request) => {
          if (inARow === MOST_IN_A_ROW || random() >= FAILING) {
            inARow = 0;
            return topic.content(request);
          }
          const kind = kindOf(random());
          failed[kind]++;
          inARow++;
          return failure(kind, topic);
        };
        return callback;
      }),
    );
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        topics.map(async (topic, index) => {
          const body = `topic ${index}, content ${round} ${'.'.repeat(2_000)}`;
          topic.body = body;
          expect((await ping(world.hub, topic.url)).status).toBe(202);
          // Each version in turn: a later ping would hide that one was lost.
          await until(`${body.slice(0, 30)} arrived`, () => callbacks[index]?.texts.includes(body), MINUTE);
        }),
      );
    }
    for (const [index, { texts }] of callbacks.entries()) {
      expect(texts.map((text) => /^[^.]*\d/.exec(text)?.[0])).toEqual(
        Array.from({ length: ROUNDS }, (_each, round) => `topic ${index}, content ${round}`),
      );
    }
    console.log(
      `${TOPICS * ROUNDS} updates, none lost; fetches failed: ${JSON.stringify(failed)}, seed ${SEED}`,
    );
  },
  MINUTE + ROUNDS * MINUTE,
);

type Kind = 'error' | 'hang' | 'short' | 'reset';

function kindOf(chance: number): Kind {
  // One that hangs costs its time limit, so there are few of them.
  if (chance < 0.05) return 'hang';
  if (chance < 0.4) return 'short';
  return chance < 0.7 ? 'reset' : 'error';
}

function failure(kind: Kind, topic: Topic): Reply {
  switch (kind) {
    case 'error':
      return { status: 503 };
    case 'hang':
      return 'hang';
    case 'reset':
      return 'reset';
    case 'short':
      return (response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '4000' });
        response.write(String(topic.body).slice(0, 500), () => response.destroy());
      };
  }
}
