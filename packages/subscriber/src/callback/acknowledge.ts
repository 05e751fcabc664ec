import type { Clock } from '@websub/shared';
import type { ServiceSettings } from '../service/settings.js';
import { answer, type Outcome } from './exchange.js';

/**
 * The answer to a delivery whose handler, named in `by`, is at work: see `ack` in the options. Rejects as `work` does,
 * unless early; then `late` is told how the work ended, should it not reject.
 */
export function acknowledge(
  work: Promise<Outcome>,
  by: Omit<Outcome, 'answer'>,
  ack: ServiceSettings['ack'],
  clock: Clock,
  late: (outcome: Outcome) => void,
): Promise<Outcome> {
  if (ack === 'handled') return work;
  const early = (): Outcome => {
    // Whoever gave us the work hears of its failure.
    work.then(late, () => undefined);
    return { ...by, answer: answer(202) };
  };
  if (ack === 'received') return Promise.resolve(early());
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ack.deadlineMs, () => resolve(early()));
    work.finally(cancel).then(resolve, reject);
  });
}
