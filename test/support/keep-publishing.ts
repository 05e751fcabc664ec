import { setTimeout as pause } from 'node:timers/promises';
import { publish, type HubAddress } from './requests.js';
import { until } from './until.js';

/** Between two updates: without it, clients that take seconds to come back would be owed thousands. */
const PAUSE_MS = 4;

/** Publishes 0, 1, 2, … until it is told to end, through whatever happens to the hub: what is not answered is sent again. */
export function keepPublishing(hub: HubAddress, topic: string): { stop(): Promise<number> } {
  let stopped = false;
  const publishing = (async () => {
    let count = 0;
    for (; !stopped; count++) {
      await until('the publication is accepted', async () => {
        const answer = await publish(hub, topic, String(count), { id: `entry-${count}` }).catch(
          () => undefined,
        );
        return answer?.status === 202;
      });
      await pause(PAUSE_MS);
    }
    return count;
  })();
  return {
    stop: () => {
      stopped = true;
      return publishing;
    },
  };
}

/** What {@link keepPublishing} has published by then. */
export function upTo(count: number): string[] {
  return Array.from({ length: count }, (_each, nth) => String(nth));
}
