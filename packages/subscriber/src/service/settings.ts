import { checkSecret, parseWebUrl, reasonOf } from '@websub/shared';
import type { HttpConfig, SubscriberServiceOptions } from './options.js';
import { misshapen } from './option-shapes.js';
import { problemsOfTarget, readTargets, type ReadTarget } from './target.js';

/** Options with every default in place. */
export interface ServiceSettings {
  readonly targets: readonly ReadTarget[];
  /** Begins with a slash and does not end with one; the empty path is `/`. */
  readonly path: string;
  readonly callback: CallbackSetting;
  readonly leaseSeconds?: number;
  readonly secret: SecretSetting;
  readonly renewal: 'rotate' | 'keep' | 'auto';
  readonly subscribeOnStartUp: boolean;
  readonly unsubscribeOnShutdown: boolean;
  readonly customParams: Readonly<Record<string, string>>;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly http: HttpConfig;
  readonly discovery: DiscoverySettings;
  readonly ack: NonNullable<SubscriberServiceOptions['ack']>;
  readonly concurrency: number;
  readonly orderBy: SubscriberServiceOptions['orderBy'];
  readonly dedupe: DedupeSetting | null;
  readonly onNoMatch: 'ack' | 'reject';
  readonly onInvalidPayload: 'ack' | 'reject';
  readonly onBadSignature: 'reject' | 'ack';
  readonly maxBodyBytes: number;
  readonly retryDeniedMs: number | null;
  readonly staleAfterMs: number | null;
}

export type CallbackSetting =
  /** Below the listener's public URL. */
  | { readonly kind: 'listener' }
  | { readonly kind: 'base'; readonly url: string }
  | { readonly kind: 'exact'; readonly url: string };

export type SecretSetting =
  | { readonly kind: 'auto' }
  | { readonly kind: 'fixed'; readonly secrets: readonly string[] }
  | { readonly kind: 'none' };

export interface DiscoverySettings {
  readonly accept?: string;
  readonly acceptLanguage?: string;
  readonly http: HttpConfig;
}

export interface DedupeSetting {
  readonly key: NonNullable<Exclude<SubscriberServiceOptions['dedupe'], false | undefined>['key']>;
  readonly ttlMs: number;
}

const DAY_MS = 86_400_000;

/** Puts the defaults in place. What may be wrong with the options is for {@link problemsOfOptions}. */
export function settingsOf(options: SubscriberServiceOptions): ServiceSettings {
  const http = options.httpConfig ?? {};
  return {
    targets: readTargets(options.target),
    path: `/${(options.path ?? '').replace(/^\/+|\/+$/g, '')}`,
    callback: callbackSetting(options),
    ...(options.leaseSeconds === undefined ? {} : { leaseSeconds: options.leaseSeconds }),
    secret: secretSetting(options.secret),
    renewal: options.renewal ?? 'auto',
    subscribeOnStartUp: options.subscribeOnStartUp ?? true,
    unsubscribeOnShutdown: options.unsubscribeOnShutdown ?? false,
    customParams: options.customParams ?? {},
    customHeaders: options.customHeaders ?? {},
    http,
    discovery: discoverySettings(options.discoveryConfig, http),
    ack: options.ack ?? { deadlineMs: 5_000 },
    concurrency: options.concurrency ?? 16,
    orderBy: options.orderBy,
    dedupe: dedupeSetting(options.dedupe),
    onNoMatch: options.onNoMatch ?? 'ack',
    onInvalidPayload: options.onInvalidPayload ?? 'reject',
    onBadSignature: options.onBadSignature ?? 'reject',
    maxBodyBytes: options.maxBodyBytes ?? 5 * 1024 * 1024,
    staleAfterMs: options.staleAfterMs ?? null,
    retryDeniedMs: typeof options.onDenied === 'object' ? options.onDenied.retryAfterMs : null,
  };
}

function callbackSetting({ callback, appendServicePath }: SubscriberServiceOptions): CallbackSetting {
  if (callback === undefined) return { kind: 'listener' };
  return { kind: appendServicePath === true ? 'base' : 'exact', url: callback };
}

function secretSetting(secret: SubscriberServiceOptions['secret']): SecretSetting {
  if (secret === undefined || secret === 'auto') return { kind: 'auto' };
  if (secret === false) return { kind: 'none' };
  return { kind: 'fixed', secrets: typeof secret === 'string' ? [secret] : [...secret] };
}

function discoverySettings(
  config: SubscriberServiceOptions['discoveryConfig'],
  http: HttpConfig,
): DiscoverySettings {
  const accept = joined(config?.accept);
  const acceptLanguage = joined(config?.acceptLanguage);
  return {
    ...(accept === undefined ? {} : { accept }),
    ...(acceptLanguage === undefined ? {} : { acceptLanguage }),
    http: config?.httpConfig ?? http,
  };
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}

function dedupeSetting(dedupe: SubscriberServiceOptions['dedupe']): DedupeSetting | null {
  if (dedupe === false) return null;
  return { key: dedupe?.key ?? (({ deliveryId }) => deliveryId), ttlMs: dedupe?.ttlMs ?? DAY_MS };
}

/** Sentences about what is wrong with the options, each with its cure; empty when they can be used. */
export function problemsOfOptions(given: SubscriberServiceOptions): readonly string[] {
  const { problems, names } = misshapen(given);
  const options: SubscriberServiceOptions = Object.fromEntries(
    Object.entries(given).filter(([name]) => !names.has(name)),
  );
  const settings = settingsOf(options);
  return [
    ...problems,
    ...settings.targets.flatMap(problemsOfTarget),
    ...(options.appendServicePath === true && given.callback === undefined
      ? ['appendServicePath needs a callback to append to: give callback too']
      : []),
    ...problemsOfCallback(settings),
    ...problemsOfRenewal(settings),
    ...problemsOfSecret(settings.secret),
    ...problemsOfNumbers(options),
    ...[options.httpConfig, options.discoveryConfig?.httpConfig].flatMap(problemsOfHttp),
  ];
}

function problemsOfCallback({ callback, targets }: ServiceSettings): readonly string[] {
  if (callback.kind === 'listener') return [];
  const problems = thrownBy(() => parseWebUrl(callback.url, 'callback'));
  // Deliveries are told apart by the callback alone (section 7).
  return callback.kind === 'exact' && targets.length > 1
    ? [...problems, 'one callback serves one target: leave callback out, or set appendServicePath']
    : problems;
}

function problemsOfRenewal({ callback, renewal }: ServiceSettings): readonly string[] {
  return callback.kind === 'exact' && renewal === 'rotate'
    ? ['an exact callback cannot be rotated: leave renewal out, or set appendServicePath']
    : [];
}

function problemsOfSecret(secret: SecretSetting): readonly string[] {
  if (secret.kind !== 'fixed') return [];
  return secret.secrets.length === 0
    ? ['secret is an empty list: give the current secret first, or false for none']
    : secret.secrets.flatMap((value) => thrownBy(() => checkSecret(value)));
}

function problemsOfNumbers(options: SubscriberServiceOptions): readonly string[] {
  const numbers = {
    leaseSeconds: options.leaseSeconds,
    concurrency: options.concurrency,
    maxBodyBytes: options.maxBodyBytes,
    staleAfterMs: options.staleAfterMs,
    'ack.deadlineMs': typeof options.ack === 'object' ? options.ack.deadlineMs : undefined,
    'dedupe.ttlMs': typeof options.dedupe === 'object' ? options.dedupe.ttlMs : undefined,
    'onDenied.retryAfterMs': typeof options.onDenied === 'object' ? options.onDenied.retryAfterMs : undefined,
  };
  return Object.entries(numbers)
    .filter(([, value]) => value !== undefined && !(Number.isSafeInteger(value) && value > 0))
    .map(([name]) => `${name} is not a positive integer: give one, or leave it out`);
}

function problemsOfHttp(http: HttpConfig | undefined): readonly string[] {
  const dispatcher = http?.dispatcher;
  if (
    dispatcher === undefined ||
    typeof (dispatcher as { dispatch?: unknown } | null)?.dispatch === 'function'
  )
    return [];
  return ['httpConfig.dispatcher is no undici dispatcher: give an Agent, Pool or ProxyAgent'];
}

function thrownBy(check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (thrown) {
    return [reasonOf(thrown)];
  }
}
