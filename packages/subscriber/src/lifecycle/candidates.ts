import { urlForLogs, WebSubError } from '@websub/shared';
import { discoverBy } from '../discover/discover.js';
import type { Discovery } from '../discover/discovery.js';
import { reachFor, type Egress, type Reach } from '../egress.js';
import type { ServiceSettings } from '../service/settings.js';
import type { ReadTarget } from '../service/target.js';
import type { StoredSubscription } from '../subscription/subscription.js';

/** A topic, and the hubs at which it can be had, in the order in which they are tried. */
export interface Candidates {
  readonly topic: string;
  readonly hubs: readonly string[];
  /** How far requests to these hubs may go. */
  readonly reach: Reach;
}

/** The target that a stored subscription came of. */
export function targetOf({ target, resource, hub, topic }: StoredSubscription): ReadTarget {
  return resource === undefined
    ? { kind: 'topic', key: target, hubs: [hub], topic }
    : { kind: 'resource', key: target, resource };
}

/** Finds out where a target can be subscribed to. Rejects as `discover` does, and with `discovery_failed` for no hub. */
export async function findCandidates(
  egress: Egress,
  target: ReadTarget,
  settings: ServiceSettings,
): Promise<Candidates> {
  if (target.kind === 'topic')
    return { topic: target.topic, hubs: target.hubs, reach: reachOfHubs(target.hubs, settings) };
  const { http } = settings.discovery;
  const client = egress.client(reachFor(target.resource, http), http);
  const discovery = await discoverBy(client, target.resource, settings.discovery);
  return candidatesOf(discovery, reachFor(target.resource, settings.http));
}

/** Hubs that the developer wrote: one on this machine may be reached there. */
function reachOfHubs(hubs: readonly string[], { http }: ServiceSettings): Reach {
  const reaches = hubs.map((hub) => reachFor(hub, http));
  return reaches.find((reach) => reach !== 'public') ?? 'public';
}

export function candidatesOf({ hubs, self, url }: Discovery, reach: Reach): Candidates {
  if (hubs.length === 0) {
    throw new WebSubError(
      'discovery_failed',
      `${urlForLogs(url)} names no hub: subscribe to a resource that has a rel="hub" link, or give hub and topic`,
    );
  }
  return { topic: self ?? url, hubs: hubs.flatMap(secureFirst), reach };
}

/** Section 8.2: the HTTPS URL of a hub is preferred, even if it is advertised as HTTP. */
function secureFirst(hub: string): readonly string[] {
  const url = new URL(hub);
  // Where plain HTTP has a port of its own, nobody can tell the port of HTTPS.
  if (url.protocol !== 'http:' || url.port !== '' || reachFor(hub, {}) === 'loopback') return [hub];
  return [hub.replace(/^http:/i, 'https:'), hub];
}
