import { logContract, MemoryLog } from '@websub/hub/contract';
import { describe, it } from 'vitest';
import { HotTail } from '../../packages/hub/dist/log/hot-tail.js';
import { describeContractOver } from './opener.js';

const kept = logContract.filter(({ reopens }) => reopens);

// With no room but for the newest entry, nearly everything is read from the store.
describeContractOver(
  'a tiny hot tail',
  logContract,
  ({ log }) => new HotTail(log, { hotBytes: 0, coldBytes: 0 }),
);
describeContractOver('the hot tail', kept, ({ log }) => new HotTail(log));
// With room for everything, hardly anything is asked of what lies below.
describe('the hot tail over a log in memory', () => {
  it.each(logContract.filter(({ reopens }) => !reopens))('$title', ({ run }) =>
    run(() => Promise.resolve(new HotTail(new MemoryLog()))),
  );
});
