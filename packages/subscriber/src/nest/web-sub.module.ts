import {
  Inject,
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import { reasonOf } from '@websub/shared';
import { readOptions } from '../decorators/metadata.js';
import { ConfigurationError } from '../errors.js';
import type { StartReport } from '../lifecycle/start-up.js';
import { SubscriberListener } from '../listener.js';
import { ConfigurableModuleClass, type FOR_ROOT_OPTIONS } from './module-options.js';
import { listenerProvider } from './nest-listener.js';

/**
 * Every provider whose class is decorated with `@SubscriberService` becomes a subscriber: Nest makes it, with whatever it
 * injects; its callbacks are routes of the application, with the raw body; it subscribes when the application listens,
 * and its listener ends with `app.close()`.
 *
 * ```ts
 * @Module({ imports: [WebSubModule.forRoot({ publicUrl: 'https://me.example.com' })], providers: [Issues] })
 * export class AppModule {}
 * ```
 *
 * What is wrong with the services' options rejects `app.init()` with a `ConfigurationError`. Inject
 * {@link SubscriberListener} for events, and for subscriptions at run time.
 */
@Module({
  imports: [DiscoveryModule],
  providers: [listenerProvider],
  exports: [SubscriberListener],
})
export class WebSubModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown
{
  /**
   * Settles when the application listens and every target was tried, as `SubscriberListener.start()` does:
   * `await app.get(WebSubModule).started`.
   */
  readonly started: Promise<StartReport>;
  readonly #listener: SubscriberListener;
  readonly #discovery: DiscoveryService;
  readonly #host: HttpAdapterHost;
  readonly #logger = new Logger('WebSub');
  #start: () => void = () => undefined;
  #listening: { unsubscribe(): void } | undefined;

  constructor(
    @Inject(SubscriberListener) listener: SubscriberListener,
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    super();
    this.#listener = listener;
    this.#discovery = discovery;
    this.#host = host;
    this.started = new Promise((resolve, reject) => {
      this.#start = () => void listener.start().then(resolve, reject);
    });
    this.started.then(
      ({ failed }) => failed.forEach(({ error }) => this.#logger.error(error.message)),
      (error: unknown) => this.#logger.error(`the subscribers did not start: ${reasonOf(error)}`),
    );
  }

  static override forRoot(options: typeof FOR_ROOT_OPTIONS = {}): DynamicModule {
    return super.forRoot(options);
  }

  async onModuleInit(): Promise<void> {
    for (const service of this.#services()) await this.#listener.attach(service);
  }

  onApplicationBootstrap(): void {
    // Nest says that there always is one; a context without HTTP has none.
    if ((this.#host.httpAdapter as unknown) === undefined) {
      this.#logger.warn('hubs cannot reach an application without HTTP: make it with NestFactory.create');
    } else if (this.#host.listening) this.#start();
    // Not earlier: hubs may verify before they answer.
    else this.#listening = this.#host.listen$.subscribe(() => this.#start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#listening?.unsubscribe();
    await this.#listener.gracefulStop();
  }

  /** The instances of the decorated providers. One that has several tokens is one service. */
  #services(): ReadonlySet<object> {
    const services = new Set<object>();
    const scoped: string[] = [];
    for (const wrapper of this.#discovery.getProviders()) {
      const instance: unknown = wrapper.instance;
      if (!isSubscriberService(instance)) continue;
      if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) services.add(instance);
      else
        scoped.push(
          `${instance.constructor.name} is not a singleton: give it, and what it injects, the default scope`,
        );
    }
    if (scoped.length > 0) throw new ConfigurationError(scoped);
    return services;
  }
}

function isSubscriberService(instance: unknown): instance is object {
  if (typeof instance !== 'object' || instance === null) return false;
  const type: unknown = instance.constructor;
  return typeof type === 'function' && readOptions(type) !== undefined;
}
