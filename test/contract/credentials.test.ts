import { credentialsContract } from '@websub/hub/contract';
import { describeContract } from './opener.js';

describeContract('credentials in SQLite', credentialsContract, ({ credentials }) => credentials);
