import { declaredPayload, readMarks, readOptions } from '../decorators/metadata.js';
import { isSchema } from '../dispatch/payload-type.js';
import { problemsOfRules } from '../dispatch/rule-problems.js';
import { compileRules, type Rule } from '../dispatch/rules.js';
import { ConfigurationError } from '../errors.js';
import type { SubscriberHandlers } from '../messages.js';
import type { SubscriberServiceOptions } from './options.js';
import type { Service } from './service.js';
import { problemsOfOptions, settingsOf } from './settings.js';

/**
 * Makes a service of an object: the options of its class's decorator, overridden by `config`. Throws a
 * `ConfigurationError` with everything that is wrong.
 */
export function readService(instance: object, config: SubscriberServiceOptions): Service {
  const type = typeOf(instance);
  const options = { ...readOptions(type), ...config };
  const marks = readMarks(type);
  const has = (name: string): boolean => hasMethod(instance, name);
  const rules = compileRules(options, marks, has);
  const problems = [
    ...problemsOfHandlers(instance),
    ...problemsOfOptions(options),
    ...problemsOfRules(options, marks, rules, has),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  const settings = settingsOf(options);
  const name = options.path === undefined ? type.name : settings.path;
  return {
    name,
    instance: handlersOf(instance),
    options,
    settings,
    rules,
    warnings: [
      ...idleness(name, options, rules.length > 0 || has('onEventNotification')),
      ...rules.flatMap((rule) => mismatchOf(type, rule)),
    ],
  };
}

/** What is nothing to refuse, since a service may be subscribed at run time and heard by its events, and yet is likely a slip. */
function idleness(name: string, options: SubscriberServiceOptions, takesUpdates: boolean): readonly string[] {
  const warnings: string[] = [];
  if (Object.keys(options).length === 0)
    warnings.push(
      `${name} has no options: decorate its class with @SubscriberService, use attachWithConfig, or subscribe it at run time`,
    );
  if (!takesUpdates)
    warnings.push(
      `${name} has no method that takes updates: add onEventNotification, or name a method by @OnEvent or in a table`,
    );
  return warnings;
}

const HANDLERS = [
  'onSubscriptionVerification',
  'onUnsubscriptionVerification',
  'onSubscriptionValidationDenied',
  'onEventNotification',
  'onHubError',
] as const satisfies readonly (keyof SubscriberHandlers)[];

function problemsOfHandlers(instance: SubscriberHandlers & object): readonly string[] {
  return HANDLERS.filter((name) => instance[name] !== undefined && typeof instance[name] !== 'function').map(
    (name) => `${name} is no method: give a function, or leave it out`,
  );
}

type Type = (new () => object) & { readonly name: string };

/** By the prototype: a member called `constructor` is data. */
function typeOf(instance: object): Type {
  const prototype = Object.getPrototypeOf(instance) as { readonly constructor: Type } | null;
  return prototype?.constructor ?? (Object as unknown as Type);
}

/** What every object has, such as `toString` and `constructor`, is no method of a service. */
function hasMethod(instance: object, name: string): boolean {
  if (name === 'constructor') return false;
  for (let at = instance; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    if (Object.hasOwn(at, name))
      return typeof (instance as Readonly<Record<string, unknown>>)[name] === 'function';
  }
  return false;
}

/**
 * A method that declares a class for its payload and is not given one. Only some compilers write down what a method
 * declares, so nothing may depend on it but this advice.
 */
function mismatchOf(type: Type, { method, type: given }: Rule): readonly string[] {
  const declared = declaredPayload(type, method);
  if (declared === undefined || isSchema(given)) return [];
  if (given === undefined)
    return [
      `${method} declares a ${declared.name} and is given the payload as parsed: name the class as its type`,
    ];
  const fits = given === declared || Object.prototype.isPrototypeOf.call(declared, given);
  return fits
    ? []
    : [`${method} declares a ${declared.name} and is given a ${given.name}: name the same class`];
}

/** Any object may have the handlers' methods; what it has is looked up when it is needed. */
function handlersOf(instance: object): SubscriberHandlers & object {
  return instance;
}
