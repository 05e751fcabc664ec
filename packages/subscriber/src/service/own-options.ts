import { isDeepStrictEqual } from 'node:util';
import { ConfigurationError } from '../errors.js';
import type { HttpConfig, SubscriberServiceOptions } from './options.js';
import type { Service } from './service.js';
import { settingsOf } from './settings.js';

/**
 * What one subscription has of its own, over the options of its service, as it is stored. Its lease and its secrets are
 * members of the subscription.
 */
export type OwnOptions = Omit<SubscriberServiceOptions, 'leaseSeconds' | 'secret' | OfTheService>;

/** What all subscriptions of a service share. */
const OF_THE_SERVICE = [
  'target',
  'callback',
  'appendServicePath',
  'subscribeOnStartUp',
  'concurrency',
  'orderBy',
  'dedupe',
  'topicIdentifier',
  'topicHeader',
  'headerResourceMap',
  'payloadKeyResourceMap',
  'headerAndPayloadKeyResourceMap',
  'partial',
] as const satisfies readonly (keyof SubscriberServiceOptions)[];
type OfTheService = (typeof OF_THE_SERVICE)[number];

/** The options that a subscription is stored with. Throws a `ConfigurationError` for those that it cannot have. */
export function ownOptionsOf(options: Partial<SubscriberServiceOptions>): OwnOptions {
  const problems = [
    ...OF_THE_SERVICE.filter((name) => options[name] !== undefined).map(
      (name) =>
        `${name} is the same for all subscriptions of a service: give it where the service is attached`,
    ),
    ...[options.httpConfig, options.discoveryConfig?.httpConfig]
      .filter((http) => http?.dispatcher !== undefined)
      .map(() => 'httpConfig.dispatcher cannot be stored: give it where the service is attached'),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  const { leaseSeconds: _lease, secret: _secret, ...own } = options;
  // Whoever gave it may change it, and a store keeps no `undefined`.
  return JSON.parse(JSON.stringify(own)) as OwnOptions;
}

/** The service as one of its subscriptions has it. */
export function serviceFor(service: Service, own: OwnOptions | undefined): Service {
  return own === undefined ? service : { ...service, settings: settingsOf(optionsFor(service, own)) };
}

/** In place of a service that is not attached: enough to end what was subscribed for it. */
export function serviceOfNobody(name: string, own: OwnOptions | undefined): Service {
  const options = own ?? {};
  return { name, instance: {}, options, settings: settingsOf(options), rules: [], warnings: [] };
}

/** The options of a service, and over them those of a subscription; of how requests are made, member by member. */
export function optionsFor(
  { options }: Service,
  own: Partial<SubscriberServiceOptions>,
): SubscriberServiceOptions {
  const discovery = { ...options.discoveryConfig, ...own.discoveryConfig };
  const discoveryHttp = together(options.discoveryConfig?.httpConfig, own.discoveryConfig?.httpConfig);
  return {
    ...options,
    ...own,
    ...together(options.httpConfig, own.httpConfig),
    ...(Object.keys(discovery).length === 0 ? {} : { discoveryConfig: { ...discovery, ...discoveryHttp } }),
  };
}

/** A dispatcher of the service's goes on to serve. */
function together(
  shared: HttpConfig | undefined,
  own: HttpConfig | undefined,
): { readonly httpConfig?: HttpConfig } {
  return shared === undefined && own === undefined ? {} : { httpConfig: { ...shared, ...own } };
}

export function isSameOptions(one: OwnOptions | undefined, other: OwnOptions | undefined): boolean {
  return isDeepStrictEqual(one ?? {}, other ?? {});
}
