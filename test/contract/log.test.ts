import { logContract } from '@websub/hub/contract';
import { describeContract } from './opener.js';

describeContract('the log in SQLite', logContract, ({ log }) => log);
