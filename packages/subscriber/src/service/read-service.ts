import { readMarks, readOptions } from '../decorators/metadata.js';
import { compileRules } from '../dispatch/rules.js';
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
  const type = instance.constructor as (new () => object) & { readonly name: string };
  const options = { ...readOptions(type), ...config };
  const { rules, problems } = compileRules(options, readMarks(type), (name) => hasMethod(instance, name));
  const all = [...problemsOfOptions(options), ...problems];
  if (all.length > 0) throw new ConfigurationError(all);
  const settings = settingsOf(options);
  return {
    name: options.path === undefined ? type.name : settings.path,
    instance: handlersOf(instance),
    settings,
    rules,
  };
}

function hasMethod(instance: object, name: string): boolean {
  return typeof (instance as Readonly<Record<string, unknown>>)[name] === 'function';
}

/** Any object may have the handlers' methods; what it has is looked up when it is needed. */
function handlersOf(instance: object): SubscriberHandlers & object {
  return instance;
}
