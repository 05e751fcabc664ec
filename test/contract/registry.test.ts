import { registryContract } from '@websub/hub/contract';
import { describeContract } from './opener.js';

describeContract('the registry in SQLite', registryContract, (store) => store);
