import { parseWebUrl, reasonOf } from '@websub/shared';

/**
 * What to subscribe to: the URL of a resource that names its hub and topic (a string or `{ resource }`), or hub and
 * topic themselves. Of several hubs the first that accepts is used.
 */
export type Target =
  | string
  | readonly [hub: string, topic: string]
  | { readonly resource: string }
  | { readonly hub: string | readonly string[]; readonly topic: string };

/** A target in one of two forms. `key` is the same for equal targets and names the target in the store. */
export type ReadTarget =
  | { readonly kind: 'resource'; readonly key: string; readonly resource: string }
  | {
      readonly kind: 'topic';
      readonly key: string;
      readonly hubs: readonly string[];
      readonly topic: string;
    };

/**
 * The targets of a service, each once. Two strings are a hub and a topic, as in Ballerina; several resources are written as
 * `{ resource }` each, or are three and more strings.
 */
export function readTargets(targets: Target | readonly Target[] | undefined): readonly ReadTarget[] {
  if (targets === undefined) return [];
  const read = (isList(targets) ? targets : [targets]).map(readTarget);
  return [...new Map(read.map((target) => [target.key, target])).values()];
}

function isList(targets: Target | readonly Target[]): targets is readonly Target[] {
  if (!Array.isArray(targets)) return false;
  const members: readonly unknown[] = targets;
  return !(members.length === 2 && members.every((member) => typeof member === 'string'));
}

export function readTarget(target: Target): ReadTarget {
  if (typeof target === 'string') return resourceTarget(target);
  if ('resource' in target) return resourceTarget(target.resource);
  return 'topic' in target ? topicTarget(target.hub, target.topic) : topicTarget(target[0], target[1]);
}

/** A target as it is written. */
export function writtenTarget(target: ReadTarget): Target {
  return target.kind === 'resource'
    ? { resource: target.resource }
    : { hub: target.hubs.length === 1 ? (target.hubs[0] ?? '') : target.hubs, topic: target.topic };
}

/** The key of the target that a stored subscription came of. */
export function keyOfTarget(stored: {
  readonly hub: string;
  readonly topic: string;
  readonly resource?: string;
}): string {
  const { hub, topic, resource } = stored;
  return (resource === undefined ? topicTarget(hub, topic) : resourceTarget(resource)).key;
}

function resourceTarget(resource: string): ReadTarget {
  return { kind: 'resource', key: `resource ${resource}`, resource };
}

function topicTarget(hub: string | readonly string[], topic: string): ReadTarget {
  const hubs = typeof hub === 'string' ? [hub] : hub;
  return { kind: 'topic', key: `topic ${topic} at ${hubs.join(' ')}`, hubs, topic };
}

/** Sentences about what is wrong with a target; empty when it can be used. */
export function problemsOfTarget(target: ReadTarget): readonly string[] {
  if (target.kind === 'resource') return problemsOfUrl(target.resource, 'target');
  const none = target.hubs.length === 0 ? ['target has no hub: give at least one'] : [];
  return [
    ...none,
    ...target.hubs.flatMap((hub) => problemsOfUrl(hub, 'the hub of a target')),
    ...problemsOfUrl(target.topic, 'the topic of a target'),
  ];
}

/** A sentence about what keeps `value` from being an absolute http or https URL, if anything does. */
export function problemsOfUrl(value: string, field: string): readonly string[] {
  try {
    parseWebUrl(value, field);
    return [];
  } catch (thrown) {
    return [reasonOf(thrown)];
  }
}
