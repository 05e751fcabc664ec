import { describe, it } from 'vitest';
import { logContract } from './log-contract.js';
import { MemoryLog } from './memory-log.js';

describe('a log in memory', () => {
  it.each(logContract.filter(({ reopens }) => !reopens))('$title', ({ run }) =>
    run(() => Promise.resolve(new MemoryLog())),
  );
});
