import { WebSubError } from '@websub/shared';
import type { Ctor } from './dispatch/payload-type.js';
import type { Engine } from './engine.js';
import { ConfigurationError } from './errors.js';
import type { SubscriptionView } from './messages.js';
import { Lanes } from './lanes.js';
import { hasSecretOf } from './lifecycle/start-plan.js';
import type { SubscriberServiceOptions } from './service/options.js';
import {
  isSameOptions,
  optionsFor,
  ownOptionsOf,
  serviceFor,
  type OwnOptions,
} from './service/own-options.js';
import type { Service } from './service/service.js';
import { problemsOfOptions, settingsOf } from './service/settings.js';
import { readTarget, type ReadTarget, type Target } from './service/target.js';
import { isWanted, viewOf, viewsOf, type StoredSubscription } from './subscription/subscription.js';

/** Subscriptions at run time. They are stored and resumed like those of the services' options. */
export interface Subscriptions {
  /**
   * Subscribes a service that is attached to one more target, once however often it is asked for: what is subscribed
   * already goes on as it is, and gives way to a new one where `options` are others than before. They go over those of
   * the service, and are stored with the subscription. Rejects with `invalid_configuration` for those that all
   * subscriptions of a service share (`concurrency`, `orderBy`, `dedupe`, `callback`, its tables and targets) and for a `dispatcher`,
   * which no store keeps. Settles when a hub has accepted. Rejects with the reason when none does; nothing is tried
   * again then.
   */
  subscribe(
    service: object | Ctor,
    target: Target,
    options?: Partial<SubscriberServiceOptions>,
  ): Promise<SubscriptionView>;
  /** Asks the hub to end a subscription, also one whose service is not attached any more. Settles when it was asked; an `unsubscribed` event tells when it is so. */
  unsubscribe(id: string): Promise<void>;
  /** Renews now. Settles when the hub was asked; a `renewed` event tells when it is so. */
  renew(id: string): Promise<void>;
  list(): Promise<readonly SubscriptionView[]>;
}

export class SubscriptionBook implements Subscriptions {
  readonly #engine: Engine;
  readonly #find: (service: object) => Service;
  readonly #lanes = new Lanes({
    concurrency: Number.POSITIVE_INFINITY,
    waiting: Number.POSITIVE_INFINITY,
  });

  constructor(engine: Engine, find: (service: object) => Service) {
    this.#engine = engine;
    this.#find = find;
  }

  async subscribe(
    service: object | Ctor,
    target: Target,
    options: Partial<SubscriberServiceOptions> = {},
  ): Promise<SubscriptionView> {
    const found = this.#find(service);
    const problems = problemsOfOptions({ ...optionsFor(found, options), target });
    if (problems.length > 0) throw new ConfigurationError(problems);
    const read = readTarget(target);
    const asked: Asked = { service: found, target: read, options, own: ownOptionsOf(options) };
    // One after the other, so that the second one sees what the first one made.
    const key = JSON.stringify([found.name, read.key]);
    const subscription = await this.#lanes.run(key, () => this.#subscribeOnce(asked));
    return viewOf(subscription ?? (await this.#subscribeOnce(asked)));
  }

  async #subscribeOnce({ service, target, options, own }: Asked): Promise<StoredSubscription> {
    const { life, enrolment } = this.#engine;
    const settled = serviceFor(service, own);
    const secret = options.secret === undefined ? service.settings.secret : settingsOf(options).secret;
    const leaseSeconds = options.leaseSeconds ?? service.settings.leaseSeconds;
    await life.load();
    const before = this.#currentAt(service, target.key);
    if (before?.origin === 'configured') return this.#configured(before, options);
    const isSame =
      before !== undefined &&
      hasSecretOf(secret, before) &&
      before.leaseSeconds === leaseSeconds &&
      isSameOptions(before.options, own);
    if (isSame) return before;
    this.#refuseTakenCallback(settled, before);
    return enrolment.enrol({
      service: settled,
      target,
      origin: 'run-time',
      contested: true,
      terms: { secret, ...(leaseSeconds === undefined ? {} : { leaseSeconds }) },
      ...(Object.keys(own).length === 0 ? {} : { options: own }),
      ...(before === undefined ? {} : { replaces: before }),
    });
  }

  #currentAt({ name }: Service, target: string): StoredSubscription | undefined {
    return this.#engine.life.known.find(
      (one) => one.service === name && one.target === target && isWanted(one) && one.replacedBy === undefined,
    );
  }

  /** Its options stand where the service is attached; two sources of them would undo each other at each start. */
  #configured(before: StoredSubscription, options: Partial<SubscriberServiceOptions>): StoredSubscription {
    if (Object.keys(options).length === 0) return before;
    throw new ConfigurationError([
      'the target stands in the options of the service: change them there, or take it out',
    ]);
  }

  async unsubscribe(id: string): Promise<void> {
    for (const one of await this.#lineOf(id)) await this.#request(one, 'unsubscribe');
  }

  async renew(id: string): Promise<void> {
    const line = await this.#lineOf(id);
    const current =
      line.find(({ state, pending }) => state === 'active' && pending !== 'unsubscribe') ?? line[0];
    if (current === undefined) return;
    if (this.#engine.serviceOf(current) === undefined) {
      throw new WebSubError(
        'invalid_configuration',
        `the service ${current.service} is not attached: attach it first, or unsubscribe`,
      );
    }
    await this.#request(current, 'subscribe');
  }

  async list(): Promise<readonly SubscriptionView[]> {
    return viewsOf(await this.#engine.life.load());
  }

  async #request({ id }: StoredSubscription, mode: 'subscribe' | 'unsubscribe'): Promise<void> {
    const applied = await this.#engine.life.apply(id, { kind: 'requested', mode });
    await applied?.sent;
  }

  /** Two while one takes over from another. Another instance may have made them. */
  async #lineOf(id: string): Promise<readonly StoredSubscription[]> {
    const { life } = this.#engine;
    await life.load();
    const line = life.lineWith(id);
    if (line.length > 0) return line;
    throw new WebSubError('gone', `there is no subscription ${id}: see subscriptions.list()`);
  }

  /** One callback serves one subscription. */
  #refuseTakenCallback({ settings: { callback } }: Service, before: StoredSubscription | undefined): void {
    if (callback.kind !== 'exact') return;
    const taken = this.#engine.life.known.some(
      (one) => one.callback === callback.url && isWanted(one) && one.id !== before?.id,
    );
    if (taken) {
      throw new ConfigurationError(['the callback is in use: leave callback out, or set appendServicePath']);
    }
  }
}

interface Asked {
  readonly service: Service;
  readonly target: ReadTarget;
  readonly options: Partial<SubscriberServiceOptions>;
  readonly own: OwnOptions;
}
