import { describe, expect, it } from 'vitest';
import { Arriving } from '../../bench/dist/arriving.js';
import { farCallback } from '../../bench/dist/far-callback.js';
import { badNeighbours, BAD_NEIGHBOURS, fanOut } from '../../bench/dist/fan-out.js';
import { publishByPing, publishContent } from '../../bench/dist/publish.js';
import { describe as inWords, type Result } from '../../bench/dist/result.js';
import { startUp } from '../../bench/dist/start-up.js';
import { subscribing } from '../../bench/dist/subscribe.js';
import { replay, streams } from '../../bench/dist/streams.js';
import { workers } from '../../bench/dist/workers.js';

// Sizes at which nothing can be measured: what is delivered has to be right, whatever it takes.
const SMALL = { callbacks: 20, topics: 1, origins: 4, bytes: 300, updates: 2 };
const BENCHES: readonly (readonly [string, () => Promise<Result>])[] = [
  ['fan-out', () => fanOut({ scenario: 'small', ...SMALL, topics: 4, updates: 8 }, 1)],
  [
    'fan-out beside bad callbacks',
    () => badNeighbours({ ...BAD_NEIGHBOURS, ...SMALL, origins: 10, updates: 1 }, 1),
  ],
  ["fan-out in the hub's thread and in one more", () => workers({ scenario: 'small', ...SMALL }, 1, [0, 1])],
  ['fan-out without order', () => farCallback({ callbacks: 4, updates: 40, bytes: 300, delayMs: 1 }, 1)],
  ['publishing content', () => publishContent({ publishers: 4, updates: 64, bytes: 300 }, 1)],
  ['publishing by ping', () => publishByPing({ publishers: 4, updates: 64, bytes: 300 }, 1)],
  ['subscribing', () => subscribing({ subscriptions: 20, origins: 4 }, 1)],
  ['streams over SSE', () => streams({ kind: 'sse', readers: 10, bytes: 60, updates: 3 }, 1)],
  ['streams over WebSocket', () => streams({ kind: 'websocket', readers: 10, bytes: 60, updates: 3 }, 1)],
  ['replay', () => replay(50, 1)],
  ['starting', () => startUp(200, 1)],
];

describe('what is measured is right:', () => {
  it.concurrent.each(BENCHES)(
    '%s gives everybody everything, as it was published, once',
    async (_name, bench) => {
      const result = await bench();
      expect(result.problems).toEqual([]);
      expect(result.figures.every(({ cpuUs }) => cpuUs === undefined || cpuUs.median > 0)).toBe(true);
      expect(inWords(result)).toContain('all as it should be');
    },
    120_000,
  );
});

it('what does not come is told, and not waited for without end', async () => {
  const arriving = new Arriving(1);
  arriving.note();
  await arriving.await(1);
  await expect(arriving.await(2)).rejects.toThrow('1 of 2 came, and then none for 0.001 s');
});
