import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server as SecureServer } from 'node:https';
import { parseWebUrl, WebSubError } from '@websub/shared';
import { attachedService, type AttachedService } from './attached-service.js';
import { answer } from './callback/exchange.js';
import { fromNode, toNode } from './callback/node-http.js';
import { fromFetch, toFetch } from './callback/web-fetch.js';
import type { Ctor } from './dispatch/payload-type.js';
import type { SubscriberHandlers } from './messages.js';
import { createEngine, type Engine } from './engine.js';
import { asWebSubError, ConfigurationError } from './errors.js';
import type { SubscriberEvents } from './events.js';
import { endSubscriptions } from './lifecycle/end-subscriptions.js';
import type { StartReport } from './lifecycle/start-up.js';
import { problemsOfListener, type ListenerOptions } from './listener-options.js';
import { Run } from './run.js';
import { GivenApp, GivenServer, OwnServer, type Entrance, type MountableApp } from './server/entrance.js';
import type { SubscriberServiceOptions } from './service/options.js';
import { readService } from './service/read-service.js';
import type { Service } from './service/service.js';
import { SubscriptionBook, type Subscriptions } from './subscriptions.js';

/** A request handler for node:http, express and what takes the same. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** An object or a class; where it is written in place, its handlers' parameters are typed. */
type Attachable = (SubscriberHandlers & object) | object | Ctor;

const GRACE_MS = 20_000;

/**
 * Listens for hubs, for any number of subscriber services. `start()` subscribes and goes on renewing; what is attached
 * after it is subscribed at once.
 */
export class SubscriberListener implements AsyncDisposable {
  /** Subscriptions at run time, beside the targets in the services' options. */
  readonly subscriptions: Subscriptions;
  readonly #options: ListenerOptions;
  readonly #engine: Engine;
  readonly #entrance: Entrance;
  readonly #services = new Map<object, Service>();
  /** The newest. */
  #run: Run | undefined;
  // No task, for a stop waits for the tasks.
  readonly #onSignal = (): void =>
    void this.gracefulStop().catch((thrown: unknown) => this.#engine.report(asWebSubError(thrown)));

  /**
   * On a port of its own (0: a free one), on a server of yours (http or https), or on an express app, whose body parsers it comes before
   * if it is made before them. Throws `invalid_configuration`.
   */
  constructor(on: number | Server | SecureServer | MountableApp, options: ListenerOptions = {}) {
    checkOptions(on, options);
    this.#options = options;
    this.#engine = createEngine(options, {
      services: () => [...this.#services.values()],
      publicUrl: () => this.#startedAt(),
      isOpen: () => this.#run?.serves === true,
      signal: () => this.#run?.signal ?? AbortSignal.abort(),
    });
    this.#entrance = this.#entranceOf(on);
    this.subscriptions = new SubscriptionBook(this.#engine, (service) => this.#find(service));
  }

  /**
   * Takes a service, as an object or as a class; `path` overrides that of its options. After `start()` its targets are
   * subscribed to before this settles, and what fails is reported as an `error` event and tried again. Rejects with a
   * `ConfigurationError` that names all faults of its options.
   */
  attach(service: Attachable, path?: string): Promise<AttachedService> {
    return this.attachWithConfig(service, {}, path);
  }

  /** {@link attach} with options that override those of the class's decorator. */
  async attachWithConfig(
    service: Attachable,
    config: SubscriberServiceOptions,
    path?: string,
  ): Promise<AttachedService> {
    if (service === null || (typeof service !== 'object' && !isClass(service)))
      throw new ConfigurationError(['a service is an object or a class: give one']);
    const instance = typeof service === 'function' ? await this.#make(service as Ctor<object>) : service;
    const read = readService(instance, { ...config, ...(path === undefined ? {} : { path }) });
    this.#refuseSecond(service, read);
    this.#services.set(service, read);
    for (const warning of read.warnings) this.#engine.logger.warn({ service: read.name }, warning);
    if (this.#run?.phase === 'open') {
      await this.#engine.life.load();
      const { failed } = await this.#engine.startUp.begin(read);
      for (const { error } of failed) this.#engine.report(error);
    }
    return attachedService(this.#engine, read);
  }

  /**
   * Lets a service go. Its subscriptions stay stored, and their hubs are answered 503, unless they are to end with
   * `unsubscribe`; then this settles when they have, or after `gracefulShutdownPeriod`.
   */
  async detach(service: object | Ctor, options: { readonly unsubscribe?: boolean } = {}): Promise<void> {
    const found = this.#find(service);
    this.#engine.startUp.forget(found);
    if (options.unsubscribe === true)
      await endSubscriptions(
        this.#engine,
        (one) => one.service === found.name,
        this.#graceMs(),
        this.#run?.signal,
      );
    this.#services.delete(service);
  }

  /**
   * Opens the way in, resumes what is stored and subscribes to what is new. Settles when every target was tried; what
   * failed is in the report and tried again in the background. Rejects when it cannot listen, when the store fails, and
   * with `failFast` when a subscription fails.
   */
  async start(): Promise<StartReport> {
    const run = this.#begin();
    await run.open();
    this.#listenForSignals(true);
    run.signal.addEventListener('abort', () => this.#listenForSignals(false), { once: true });
    const report = merged(
      await Promise.all([...this.#services.values()].map((one) => this.#engine.startUp.begin(one))),
    );
    const [first] = report.failed;
    if (this.#options.failFast === true && first !== undefined) {
      await run.cut();
      throw first.error;
    }
    return report;
  }

  /**
   * Ends subscriptions where `unsubscribeOnShutdown` says so, while hubs can still verify it; then takes nothing new,
   * waits for handlers, and closes. Waits `gracefulShutdownPeriod` in all, then does as `immediateStop`. Called twice,
   * both settle at the end; before `start()` has opened the way in, that rejects with `stopped`.
   */
  async gracefulStop(): Promise<void> {
    await this.#run?.stop();
  }

  /** Tells handlers by their signal, cuts off connections, and settles; a `gracefulStop` under way settles with it. */
  async immediateStop(): Promise<void> {
    await this.#run?.cut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.gracefulStop();
  }

  /** For `app.use(path, …)` and node:http. What is no callback goes on to `next`, or is answered 404. */
  handler(): RequestHandler {
    return (request, response, next) => this.#serve(request, response, next ?? (() => notFound(response)));
  }

  /** For frameworks on the Fetch standard. What is no callback is answered 404. */
  async fetch(request: Request): Promise<Response> {
    const outcome = await this.#engine.endpoint.handle(fromFetch(request));
    return toFetch(outcome?.answer ?? NOT_FOUND);
  }

  on<K extends keyof SubscriberEvents>(event: K, listener: (...values: SubscriberEvents[K]) => void): this {
    this.#engine.emitter.on(event, listener);
    return this;
  }

  off<K extends keyof SubscriberEvents>(event: K, listener: (...values: SubscriberEvents[K]) => void): this {
    this.#engine.emitter.off(event, listener);
    return this;
  }

  #entranceOf(on: number | Server | SecureServer | MountableApp): Entrance {
    const { publicUrl, host = publicUrl === undefined ? '127.0.0.1' : undefined } = this.#options;
    if (typeof on === 'number') return new OwnServer(on, host, this.handler());
    if (isServer(on)) {
      return new GivenServer(on, (request, response, next) =>
        this.#serve(request, response, () => {
          if (!next()) notFound(response);
        }),
      );
    }
    const path = typeof publicUrl === 'string' ? new URL(publicUrl).pathname : '/';
    return new GivenApp(on, path, this.handler());
  }

  #serve(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const asked = fromNode(request);
    const { endpoint } = this.#engine;
    // What is not ours goes on at once, as if we were not there.
    if (!endpoint.concerns(asked)) return next();
    void endpoint.handle(asked).then((outcome) => {
      if (outcome === undefined) next();
      else toNode(response, outcome.answer);
    });
  }

  async #make(type: Ctor<object>): Promise<object> {
    const concrete = type as new () => object;
    const { container } = this.#options;
    if (container === undefined) return new concrete();
    return container.get(concrete);
  }

  #refuseSecond(service: object, { name, settings: { callback } }: Service): void {
    if (this.#services.has(service))
      throw new ConfigurationError(['the service is attached already: detach it first']);
    if ([...this.#services.values()].some((other) => other.name === name)) {
      throw new ConfigurationError([`there is another service called ${name}: give each a path of its own`]);
    }
    const isTaken = ({ settings }: Service): boolean =>
      settings.callback.kind === 'exact' &&
      callback.kind === 'exact' &&
      settings.callback.url === callback.url;
    if ([...this.#services.values()].some(isTaken)) {
      throw new ConfigurationError(['another service has this callback: give each one of its own']);
    }
  }

  /** By what was attached, or else by the instance or its class, as long as only one fits. */
  #find(service: object): Service {
    const others = [...this.#services.values()].filter(
      ({ instance }) => instance === service || instance.constructor === service,
    );
    const found = this.#services.get(service) ?? (others.length === 1 ? others[0] : undefined);
    if (found === undefined)
      throw new WebSubError('invalid_configuration', 'the service is not attached: attach it first');
    return found;
  }

  #begin(): Run {
    const phase = this.#run?.phase ?? 'over';
    if (phase !== 'over') {
      const started = phase === 'opening' || phase === 'open';
      throw new WebSubError(
        'invalid_configuration',
        started ? 'the listener was started already' : 'the listener is stopping: await gracefulStop() first',
      );
    }
    this.#run = new Run({
      engine: this.#engine,
      entrance: this.#entrance,
      graceMs: this.#graceMs(),
      publicUrl: (local) => this.#findPublicUrl(local),
      endsWithRun: (one) => this.#engine.serviceOf(one)?.settings.unsubscribeOnShutdown === true,
    });
    return this.#run;
  }

  async #findPublicUrl(local: string | undefined): Promise<string> {
    const { publicUrl } = this.#options;
    const url = typeof publicUrl === 'function' ? await publicUrl() : (publicUrl ?? local);
    if (url === undefined) {
      throw new WebSubError(
        'invalid_configuration',
        'the server does not listen yet: call listen first, or set publicUrl',
      );
    }
    parseWebUrl(url, 'publicUrl');
    return url;
  }

  #startedAt(): string {
    const publicUrl = this.#run?.publicUrl;
    if (publicUrl !== undefined) return publicUrl;
    throw new WebSubError('stopped', 'the listener was not started: call start() first');
  }

  #graceMs(): number {
    return this.#options.gracefulShutdownPeriod ?? GRACE_MS;
  }

  #listenForSignals(listen: boolean): void {
    if (this.#options.signals !== true) return;
    // Not once: a terminal and npm both send Ctrl-C on, and the second one would kill us in the middle of the stop.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      if (listen) process.on(signal, this.#onSignal);
      else process.off(signal, this.#onSignal);
    }
  }
}

const NOT_FOUND = answer(404, 'nothing here');

function notFound(response: ServerResponse): void {
  toNode(response, NOT_FOUND);
}

function merged(reports: readonly StartReport[]): StartReport {
  return {
    subscribed: reports.flatMap(({ subscribed }) => subscribed),
    resumed: reports.flatMap(({ resumed }) => resumed),
    failed: reports.flatMap(({ failed }) => failed),
  };
}

/** An arrow function or a method cannot be constructed, and has no prototype. */
function isClass(service: unknown): service is Ctor {
  return typeof service === 'function' && service.prototype !== undefined;
}

/** A server over TLS is of another class than one without. */
function isServer(on: unknown): on is Server | SecureServer {
  return on instanceof Server || on instanceof SecureServer;
}

function checkOptions(on: number | Server | SecureServer | MountableApp, options: ListenerOptions): void {
  const problems = problemsOfListener(options);
  if (typeof on === 'number') {
    if (!(Number.isInteger(on) && on >= 0 && on <= 65_535))
      problems.push(`${on} is no port: give one from 0 to 65535`);
  } else if (!isServer(on)) {
    if (!isMountable(on))
      problems.push(`a listener is not made on ${nameOf(on)}: give a port, a server or an express app`);
    else if (options.publicUrl === undefined)
      problems.push('publicUrl is missing: say under which URL hubs reach the app');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
}

/** Whoever does not compile, or takes a port from the environment, may give anything. */
function isMountable(on: unknown): boolean {
  const isObject = typeof on === 'function' || (typeof on === 'object' && on !== null);
  return isObject && 'use' in on && typeof on.use === 'function';
}

/** A port as the environment has it is text. */
function nameOf(on: unknown): string {
  return typeof on === 'string' ? JSON.stringify(on) : on === null ? 'null' : typeof on;
}
