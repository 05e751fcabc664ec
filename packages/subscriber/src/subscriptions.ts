import { WebSubError } from '@websub/shared';
import type { Ctor } from './dispatch/payload-type.js';
import type { Engine } from './engine.js';
import { ConfigurationError } from './errors.js';
import type { SubscriptionView } from './messages.js';
import type { SubscriberServiceOptions } from './service/options.js';
import type { Service } from './service/service.js';
import { problemsOfOptions, settingsOf } from './service/settings.js';
import { problemsOfTarget, readTarget, type Target } from './service/target.js';
import { isWanted, viewOf } from './subscription/subscription.js';

/** What may differ for one subscription; everything else is the service's. */
export type SubscribeOptions = Pick<SubscriberServiceOptions, 'leaseSeconds' | 'secret'>;

/** Subscriptions at run time. They are stored and resumed like those of the services' options. */
export interface Subscriptions {
  /**
   * Subscribes a service that is attached to one more target. Settles when a hub has accepted. Rejects with the reason
   * when none does; nothing is tried again then.
   */
  subscribe(service: object | Ctor, target: Target, options?: SubscribeOptions): Promise<SubscriptionView>;
  /** Asks the hub to end a subscription. Settles when it was asked; an `unsubscribed` event tells when it is so. */
  unsubscribe(id: string): Promise<void>;
  /** Renews now. Settles when the hub was asked; a `renewed` event tells when it is so. */
  renew(id: string): Promise<void>;
  list(): Promise<readonly SubscriptionView[]>;
}

export class SubscriptionBook implements Subscriptions {
  readonly #engine: Engine;
  readonly #find: (service: object) => Service;

  constructor(engine: Engine, find: (service: object) => Service) {
    this.#engine = engine;
    this.#find = find;
  }

  async subscribe(
    service: object | Ctor,
    target: Target,
    options: SubscribeOptions = {},
  ): Promise<SubscriptionView> {
    const found = this.#find(service);
    const read = readTarget(target);
    const problems = [
      ...problemsOfTarget(read),
      ...problemsOfOptions(options),
      ...this.#problemsOfCallback(found),
    ];
    if (problems.length > 0) throw new ConfigurationError(problems);
    const leaseSeconds = options.leaseSeconds ?? found.settings.leaseSeconds;
    const terms = {
      secret: options.secret === undefined ? found.settings.secret : settingsOf(options).secret,
      ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
    };
    const wish = { service: found, target: read, origin: 'run-time', terms } as const;
    return viewOf(await this.#engine.enrolment.enrol(wish));
  }

  unsubscribe(id: string): Promise<void> {
    return this.#request(id, 'unsubscribe');
  }

  renew(id: string): Promise<void> {
    return this.#request(id, 'subscribe');
  }

  async list(): Promise<readonly SubscriptionView[]> {
    return (await this.#engine.life.load()).map(viewOf);
  }

  async #request(id: string, mode: 'subscribe' | 'unsubscribe'): Promise<void> {
    const applied = await this.#engine.life.apply(id, { kind: 'requested', mode });
    if (applied === undefined)
      throw new WebSubError('gone', `there is no subscription ${id}: see subscriptions.list()`);
    await applied.sent;
  }

  /** One callback serves one subscription. */
  #problemsOfCallback({ name, settings }: Service): readonly string[] {
    const taken = this.#engine.life.known.some((one) => one.service === name && isWanted(one));
    return settings.callback.kind === 'exact' && taken
      ? ['the callback of this service is in use: leave callback out, or set appendServicePath']
      : [];
  }
}
