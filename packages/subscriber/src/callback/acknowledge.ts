import type { Clock } from '@websub/shared';
import type { ServiceSettings } from '../service/settings.js';
import { answer, type Outcome } from './exchange.js';

/** The answer to a delivery whose handler is at work: see `ack` in the options. Rejects as `work` does, unless early. */
export function acknowledge(
  work: Promise<Outcome>,
  ack: ServiceSettings['ack'],
  clock: Clock,
): Promise<Outcome> {
  if (ack === 'handled') return work;
  if (ack === 'received') return Promise.resolve({ answer: answer(202) });
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ack.deadlineMs, () => resolve({ answer: answer(202) }));
    work.finally(cancel).then(resolve, reject);
  });
}
