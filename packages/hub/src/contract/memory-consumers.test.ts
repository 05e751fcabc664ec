import { describe, it } from 'vitest';
import { consumersContract } from './consumers-contract.js';
import { MemoryConsumers } from './memory-consumers.js';

describe('consumers in memory', () => {
  it.each(consumersContract.filter(({ reopens }) => !reopens))('$title', ({ run }) =>
    run(() => Promise.resolve(new MemoryConsumers())),
  );
});
