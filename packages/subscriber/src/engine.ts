import {
  reasonOf,
  systemClock,
  systemRandom,
  type Clock,
  type Random,
  type WebSubError,
} from '@websub/shared';
import { Delivery } from './callback/delivery.js';
import { Endpoint } from './callback/endpoint.js';
import { Verification } from './callback/verification.js';
import { Egress } from './egress.js';
import { asWebSubError } from './errors.js';
import { Emitter } from './events.js';
import { Agenda } from './lifecycle/agenda.js';
import { Enrolment } from './lifecycle/enrolment.js';
import { Life } from './lifecycle/life.js';
import { Renewal } from './lifecycle/renewal.js';
import { Silence } from './lifecycle/silence.js';
import { StartUp } from './lifecycle/start-up.js';
import { Tasks } from './lifecycle/tasks.js';
import type { ListenerOptions } from './listener-options.js';
import { logEvents, loggerOf, processWarnings, unhandledWarnings, type Logger } from './logger.js';
import { serviceFor, serviceOfNobody } from './service/own-options.js';
import type { Service } from './service/service.js';
import { memoryStore } from './store/memory-store.js';
import { StoreAccess } from './store/store-access.js';
import { DEFAULT_LIFE_POLICY } from './subscription/decide.js';
import type { LifeEffect } from './subscription/life-event.js';
import { viewOf, type StoredSubscription } from './subscription/subscription.js';

/** What the parts of a subscriber need to know of the listener. */
export interface EngineSurroundings {
  services(): readonly Service[];
  publicUrl(): string;
  isOpen(): boolean;
  signal(): AbortSignal;
}

/** The parts of a subscriber, put together. */
export interface Engine {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emitter: Emitter;
  readonly tasks: Tasks;
  readonly egress: Egress;
  readonly life: Life;
  readonly enrolment: Enrolment;
  readonly startUp: StartUp;
  readonly agenda: Agenda;
  readonly endpoint: Endpoint;
  /**
   * The service of a subscription, with what the subscription has of its own. `undefined` when it is not attached, unless
   * the subscription is to end.
   */
  serviceOf(subscription: StoredSubscription): Service | undefined;
  report(error: WebSubError): void;
}

/** The composition root. */
export function createEngine(options: ListenerOptions, around: EngineSurroundings): Engine {
  const clock = options.ports?.clock ?? systemClock;
  const random: Random = options.ports?.random ?? systemRandom;
  const store = new StoreAccess(options.store ?? memoryStore());
  const logger = options.logger === undefined ? processWarnings : loggerOf(options.logger);
  const policy = { ...DEFAULT_LIFE_POLICY, renewAt: options.renewAt ?? DEFAULT_LIFE_POLICY.renewAt };

  const emitter = new Emitter((thrown) =>
    logger.error({}, `a listener of an event failed: ${reasonOf(thrown)}`),
  );
  logEvents(emitter, logger);
  const warnOfUnhandled = unhandledWarnings(logger);
  const report = (error: WebSubError): void => emitter.emit('error', error);
  const tasks = new Tasks((thrown) => report(asWebSubError(thrown)));
  const background = (work: Promise<unknown>): void => tasks.run(work);
  const serviceOf = (subscription: StoredSubscription): Service | undefined => {
    const { service, options: own, state, pending } = subscription;
    const found = around.services().find(({ name }) => name === service);
    if (found !== undefined) return serviceFor(found, own);
    // Nobody has to be there for a subscription to end.
    return pending === 'unsubscribe' || state === 'unsubscribed' ? serviceOfNobody(service, own) : undefined;
  };

  const egress = new Egress(options.ports?.http);
  const life: Life = new Life(store, clock, {
    policyFor: (subscription) => ({
      ...policy,
      retryDeniedMs: serviceOf(subscription)?.settings.retryDeniedMs ?? null,
    }),
    send: (subscription, mode) => renewal.send(subscription, mode),
    tell: (subscription, effect) => tell(emitter, subscription, effect),
    hasten: (at) => agenda.hasten(at),
    background,
  });
  const enrolment = new Enrolment({
    life,
    egress,
    clock,
    random,
    logger,
    publicUrl: () => around.publicUrl(),
  });
  const renewal = new Renewal({ life, egress, enrolment, serviceOf, report });
  const startUp = new StartUp({
    life,
    enrolment,
    clock,
    publicUrl: () => around.publicUrl(),
    report,
    background,
  });
  const silence = new Silence({
    life,
    clock,
    staleAfterMs: (subscription) => serviceOf(subscription)?.settings.staleAfterMs ?? null,
    tell: (subscription) => emitter.emit('stale', viewOf(subscription)),
  });
  const agenda = new Agenda({
    store,
    clock,
    owner: random.token(9),
    dueTimes: () => life.known.flatMap(({ dueAt }) => dueAt ?? []),
    looked: () => silence.look(),
    attend: async (id) => (await life.apply(id, { kind: 'due' }))?.sent,
    background,
  });
  const endpoint = new Endpoint({
    life,
    verification: new Verification({ life, report }),
    delivery: new Delivery({
      life,
      clock,
      signal: () => around.signal(),
      report: (error, notification) => emitter.emit('error', error, notification),
      unhandled: (notification, lookedAt) => {
        warnOfUnhandled(notification, lookedAt);
        emitter.emit('unhandled', notification);
      },
      background,
    }),
    isOpen: () => around.isOpen(),
    services: () => around.services(),
    serviceOf,
    report,
  });
  return {
    clock,
    logger,
    emitter,
    tasks,
    egress,
    life,
    enrolment,
    startUp,
    agenda,
    endpoint,
    serviceOf,
    report,
  };
}

function tell(
  emitter: Emitter,
  subscription: StoredSubscription,
  effect: LifeEffect & { kind: 'tell' },
): void {
  const view = viewOf(subscription);
  if (effect.what !== 'denied') return emitter.emit(effect.what, view);
  const reason = effect.reason === undefined ? {} : { reason: effect.reason };
  emitter.emit('denied', { topic: subscription.topic, subscription: view, ...reason });
}
