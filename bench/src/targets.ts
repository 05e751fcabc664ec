import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { secretOf } from './update.js';
import type { BaselinePlan } from './baseline.js';

/** A callback as the loops over undici know it. */
export interface Target {
  readonly callback: string;
  readonly origin: string;
  readonly path: string;
  readonly key: KeyObject;
}

/** Callback n has the topic n modulo their number. */
export function targetsByTopic({ callbacks, topics }: BaselinePlan): ReadonlyMap<string, readonly Target[]> {
  const byTopic = new Map<string, Target[]>(topics.map((topic) => [topic, []]));
  for (const [n, callback] of callbacks.entries()) {
    const { origin, pathname } = new URL(callback);
    const key = createSecretKey(Buffer.from(secretOf(n)));
    byTopic.get(topics[n % topics.length] ?? '')?.push({ callback, origin, path: pathname, key });
  }
  return byTopic;
}

/** Of one delivery: what a hub has to send (section 7), and no more. */
export function deliveryHeaders(
  hub: string,
  topic: string,
  body: Buffer,
  key: KeyObject,
): Record<string, string> {
  const signature = createHmac('sha256', key).update(body).digest('hex');
  return {
    'content-type': 'application/octet-stream',
    link: `<${hub}>; rel="hub", <${topic}>; rel="self"`,
    'x-hub-signature': `sha256=${signature}`,
  };
}
