import { z } from 'zod';
import type { Deliveries } from '../../delivery/deliveries.js';
import { formatCursor } from '../../log/cursor.js';
import type { Log } from '../../log/log.js';
import type { Registry } from '../../subscription/registry.js';
import type { Roll } from '../../subscription/roll.js';
import { operation, type Operation } from './operation.js';

export interface StatsOptions {
  readonly registry: Registry;
  readonly roll: Roll;
  readonly log: Log;
  readonly deliveries: Deliveries;
}

export const statsSchema = z.object({
  topics: z.int(),
  subscriptions: z.int().describe('pending ones included'),
  dead_letters: z.int(),
  head: z.string().describe('cursor of the newest update'),
  deliveries: z.object({
    waiting: z.int().describe('for their turn'),
    in_flight: z.int(),
    held: z.int().describe('until the origin of their callback answers again'),
  }),
  held_origins: z.int().describe('origins of callbacks that are spared because they fail'),
});

/** How much of everything there is. */
export function statsOperations({ registry, roll, log, deliveries }: StatsOptions): readonly Operation[] {
  return [
    operation({
      method: 'get',
      path: '/stats',
      id: 'getStats',
      tag: 'stats',
      summary: 'How much of everything there is',
      answer: statsSchema,
      run: async (): Promise<z.input<typeof statsSchema>> => ({
        topics: roll.topics.size,
        subscriptions: roll.recipientCount,
        dead_letters: await registry.countDeadLetters(),
        head: formatCursor(log.epoch, log.head()),
        deliveries: {
          waiting: deliveries.waiting,
          in_flight: deliveries.inFlight,
          held: deliveries.held,
        },
        held_origins: deliveries.breakers.open + deliveries.breakers.probing,
      }),
    }),
  ];
}
