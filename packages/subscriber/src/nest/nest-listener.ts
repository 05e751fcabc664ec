import type { Server } from 'node:http';
import { Logger as NestLogger, type FactoryProvider, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { WebSubError } from '@websub/shared';
import { SubscriberListener } from '../listener.js';
import type { Logger } from '../logger.js';
import { urlOf, type MountableApp } from '../server/entrance.js';
import { MODULE_OPTIONS_TOKEN, type WebSubModuleOptions } from './module-options.js';

/** The listener of an application, for injection: `constructor(private readonly listener: SubscriberListener)`. */
export const listenerProvider: FactoryProvider<SubscriberListener> = {
  provide: SubscriberListener,
  inject: [MODULE_OPTIONS_TOKEN, HttpAdapterHost, ModuleRef],
  useFactory: (options: WebSubModuleOptions, host: HttpAdapterHost, moduleRef: ModuleRef) =>
    new SubscriberListener(appOf(host), {
      publicUrl: () => localUrlOf(host),
      logger: nestLogger,
      ...options,
      // What is attached as a class is a provider of any module. Type is Nest's own name for a class that can be made.
      container: {
        get: <T>(type: new (...args: never[]) => T) => moduleRef.get(type as Type<T>, { strict: false }),
      },
    }),
};

/**
 * The application's middleware, as soon as there is an adapter: with `@nestjs/testing` modules are made before it. Both
 * are before `init()`, in which Nest mounts its body parsers; so the raw body is still there for the signature.
 */
function appOf(host: HttpAdapterHost): MountableApp {
  return {
    use: (path, handler) => {
      const mount = (): void => void host.httpAdapter.use(path, handler);
      // Nest says that there always is one; in a testing module there is none yet.
      if ((host.httpAdapter as unknown) === undefined) host.init$.subscribe(mount);
      else mount();
    },
  };
}

function localUrlOf(host: HttpAdapterHost): string {
  const url = urlOf(host.httpAdapter.getHttpServer() as Server);
  if (url !== undefined) return url;
  throw new WebSubError('invalid_configuration', 'the application does not listen on a port: set publicUrl');
}

const context = new NestLogger('WebSub');

const nestLogger: Logger = {
  debug: (fields, message) => context.debug(lineOf(fields, message)),
  info: (fields, message) => context.log(lineOf(fields, message)),
  warn: (fields, message) => context.warn(lineOf(fields, message)),
  error: (fields, message) => context.error(lineOf(fields, message)),
};

/** Nest's loggers write one message; what belongs to it is appended. */
function lineOf(fields: object, message: string): string {
  return [message, ...Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)].join(' ');
}
