// Preloaded into a hub (node --import): a delivery thread that sends to a URL with `end=throw`, `end=memory` or `end=hang`
// ends in that way, as long as the number of the attempt is not above `times` (default 1).
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread } from 'node:worker_threads';

const ends = {
  throw: () =>
    setImmediate(() => {
      throw new Error('ended by the test');
    }),
  memory: () => {
    const kept = [];
    for (;;) kept.push(Array.from({ length: 1_000_000 }, Math.random));
  },
  hang: () => {
    for (;;);
  },
};

if (!isMainThread)
  subscribe('undici:request:create', ({ request: { path, headers } }) => {
    const query = new URLSearchParams(path.slice(path.indexOf('?')));
    const attempt = Number(headers[headers.indexOf('hub-attempt') + 1]);
    if (attempt <= Number(query.get('times') ?? 1)) ends[query.get('end')]?.();
  });
