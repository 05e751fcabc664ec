import { expect, it } from 'vitest';
import { readOn } from './read-on.js';

const LAST = 3;

it('the next batch is asked for before one is dealt with, also by who asks at the end of a turn', async () => {
  const sent: number[] = [];
  const dealtWith: { readonly last: number | undefined; readonly asked: number[] }[] = [];
  const next = (after: number): Promise<{ readonly last?: number }> =>
    new Promise((resolve) => {
      setImmediate(() => {
        sent.push(after);
        resolve(after < LAST ? { last: after + 1 } : {});
      });
    });
  for await (const { last } of readOn(next)) dealtWith.push({ last, asked: [...sent] });
  expect(dealtWith).toEqual([
    { last: 1, asked: [0, 1] },
    { last: 2, asked: [0, 1, 2] },
    { last: LAST, asked: [0, 1, 2, LAST] },
    { last: undefined, asked: [0, 1, 2, LAST] },
  ]);
});

it('a batch that cannot be had is told to who comes to it', async () => {
  const next = (after: number): Promise<{ readonly last?: number }> =>
    after === 0 ? Promise.resolve({ last: 1 }) : Promise.reject(new Error('the disk failed'));
  const batches = readOn(next);
  expect(await batches.next()).toEqual({ done: false, value: { last: 1 } });
  await expect(batches.next()).rejects.toThrow('the disk failed');
});
