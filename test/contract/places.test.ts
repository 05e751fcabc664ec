import { placesContract } from '@websub/hub/contract';
import { describeContract } from './opener.js';

describeContract('places in SQLite', placesContract, ({ places }) => places);
