import { consumersContract } from '@websub/hub/contract';
import { describeContract } from './opener.js';

describeContract('consumers in SQLite', consumersContract, ({ consumers }) => consumers);
