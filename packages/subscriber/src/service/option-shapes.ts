import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { HttpConfig, SubscriberServiceOptions } from './options.js';

/** Whoever does not compile may write anything. */
export interface Shape {
  fits(value: unknown): boolean;
  /** What to give instead. */
  readonly cure: string;
}
export type Shapes<T> = { readonly [K in keyof Required<T>]: Shape | Shapes<object> };

export const text: Shape = { fits: (value) => typeof value === 'string', cure: 'give a string' };
export const number: Shape = { fits: (value) => typeof value === 'number', cure: 'give a number' };
export const flag: Shape = { fits: (value) => typeof value === 'boolean', cure: 'give true or false' };
const callable: Shape = { fits: (value) => typeof value === 'function', cure: 'give a function' };
/** What is checked elsewhere. */
export const anything: Shape = { fits: () => true, cure: '' };

function oneOf(...words: readonly string[]): Shape {
  return {
    fits: (value) => typeof value === 'string' && words.includes(value),
    cure: `give ${words.join(' or ')}`,
  };
}

function integerFrom(least: number): Shape {
  const fits = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= least;
  return { fits, cure: `give an integer, ${least} or more` };
}

/** An object, or a class with static members such as a container of typedi, with methods of these names. */
export function withMethods(names: readonly string[], cure: string): Shape {
  const isMethod = (value: object, name: string): boolean => typeof Reflect.get(value, name) === 'function';
  const fits = (value: unknown): boolean =>
    (isObject(value) || typeof value === 'function') && names.every((name) => isMethod(value, name));
  return { fits, cure };
}

export function either(one: Shape, other: (value: unknown) => boolean, cure: string): Shape {
  return { fits: (value) => one.fits(value) || other(value), cure };
}

const texts = either(text, isListOfText, 'give a string, or a list of strings');
const headers: Shape = { fits: areHeaders, cure: 'give an object of header names and values' };

const HTTP: Shapes<HttpConfig> = {
  timeoutMs: integerFrom(1),
  headers,
  dispatcher: anything,
  retry: { attempts: integerFrom(1), baseMs: integerFrom(0), maxMs: integerFrom(0) },
  maxRedirects: integerFrom(0),
  allowPrivateNetworks: flag,
};

const OPTIONS: Shapes<SubscriberServiceOptions> = {
  target: {
    fits: areTargets,
    cure: 'give a URL, { resource }, [hub, topic], { hub, topic }, or a list of them',
  },
  path: text,
  callback: text,
  appendServicePath: flag,
  leaseSeconds: anything,
  secret: either(texts, (value) => value === false, "give a string, a list of them, 'auto' or false"),
  renewal: oneOf('rotate', 'keep'),
  subscribeOnStartUp: flag,
  unsubscribeOnShutdown: flag,
  customParams: { fits: areParameters, cure: 'give an object of strings, without the parameters of WebSub' },
  customHeaders: headers,
  httpConfig: HTTP,
  discoveryConfig: { accept: texts, acceptLanguage: texts, httpConfig: HTTP },
  ack: either(oneOf('received', 'handled'), isObject, "give 'received', 'handled' or { deadlineMs }"),
  concurrency: anything,
  orderBy: callable,
  dedupe: { fits: (value) => value === false || isObject(value), cure: 'give false or { key, ttlMs }' },
  onNoMatch: oneOf('ack', 'reject'),
  onInvalidPayload: oneOf('ack', 'reject'),
  onBadSignature: oneOf('ack', 'reject'),
  maxBodyBytes: anything,
  staleAfterMs: anything,
  onDenied: either(oneOf('stop'), isObject, "give 'stop' or { retryAfterMs }"),
  topicIdentifier: anything,
  topicHeader: text,
  headerResourceMap: anything,
  payloadKeyResourceMap: anything,
  headerAndPayloadKeyResourceMap: anything,
  partial: anything,
};

/** A sentence for each option that there is none of, or that is of another shape; the names of these. */
export function misshapen(options: object): {
  readonly problems: readonly string[];
  readonly names: Set<string>;
} {
  const found = problemsIn(options, OPTIONS);
  return {
    problems: found.map(({ at, why }) => `${at.join('.')} ${why}`),
    names: new Set(found.map(({ at: [name = ''] }) => name)),
  };
}

export interface Misshape {
  readonly at: readonly string[];
  readonly why: string;
}

/** What of `given` is of another shape; a member that has none is no option. */
export function problemsIn(given: object, shapes: object): readonly Misshape[] {
  const known = new Map<string, Shape | Shapes<object>>(Object.entries(shapes));
  return Object.entries(given).flatMap(([name, value]: readonly [string, unknown]): readonly Misshape[] => {
    const shape = known.get(name);
    if (shape === undefined) return [{ at: [name], why: 'is no option: see the list of options' }];
    if (value === undefined) return [];
    if (isShape(shape)) return shape.fits(value) ? [] : [{ at: [name], why: `does not fit: ${shape.cure}` }];
    if (!isObject(value)) return [{ at: [name], why: 'does not fit: give an object' }];
    return problemsIn(value, shape).map(({ at, why }) => ({ at: [name, ...at], why }));
  });
}

function isShape(shape: Shape | Shapes<object>): shape is Shape {
  return 'fits' in shape;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isTarget(value: unknown): boolean {
  if (typeof value === 'string') return true;
  if (Array.isArray(value)) return value.length === 2 && isListOfText(value);
  if (!isObject(value)) return false;
  const { resource, hub, topic } = value as Readonly<Record<string, unknown>>;
  return typeof resource === 'string' || (typeof topic === 'string' && texts.fits(hub));
}

/** Two strings are a hub and a topic; every other list is one of targets. */
function areTargets(value: unknown): boolean {
  return isTarget(value) || (Array.isArray(value) && value.every(isTarget));
}

const OWN_PARAMETERS = ['hub.mode', 'hub.topic', 'hub.callback', 'hub.secret', 'hub.lease_seconds'];

function areParameters(value: unknown): boolean {
  if (!isObject(value)) return false;
  const isOwn = ([name, one]: readonly [string, unknown]): boolean =>
    typeof one !== 'string' || OWN_PARAMETERS.includes(name);
  return !Object.entries(value).some(isOwn);
}

function areHeaders(value: unknown): boolean {
  if (!isObject(value)) return false;
  try {
    for (const [name, one] of Object.entries(value) as readonly [string, string][]) {
      validateHeaderName(name);
      validateHeaderValue(name, one);
    }
    return true;
  } catch {
    return false;
  }
}
