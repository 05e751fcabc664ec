// Preloaded into a hub (node --import): its wall clock is ahead by as many milliseconds as the file named says.
import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['JUMPING_CLOCK_FILE'];
if (file !== undefined && isMainThread) {
  const real = Date.now;
  Date.now = () => real() + Number(readFileSync(file, 'utf8'));
}
