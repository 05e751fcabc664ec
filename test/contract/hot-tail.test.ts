import { logContract } from '@websub/hub/contract';
import { HotTail } from '../../packages/hub/dist/log/hot-tail.js';
import { describeContract } from './opener.js';

describeContract('the hot tail over SQLite', logContract, ({ log }) => new HotTail(log));
// With no room but for the newest entry, nearly everything is read from the store.
describeContract(
  'a tiny hot tail over SQLite',
  logContract,
  ({ log }) => new HotTail(log, { hotBytes: 0, coldBytes: 0 }),
);
