import { WebSubError } from '@websub/shared';
import type { Ctor } from './dispatch/payload-type.js';
import type { Engine } from './engine.js';
import { ConfigurationError } from './errors.js';
import type { SubscriptionView } from './messages.js';
import type { SubscriberServiceOptions } from './service/options.js';
import type { Service } from './service/service.js';
import { problemsOfOptions, settingsOf } from './service/settings.js';
import { problemsOfTarget, readTarget, type Target } from './service/target.js';
import { isWanted, viewOf, viewsOf, type StoredSubscription } from './subscription/subscription.js';

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

  async unsubscribe(id: string): Promise<void> {
    for (const one of await this.#lineOf(id)) await this.#request(one, 'unsubscribe');
  }

  async renew(id: string): Promise<void> {
    const line = await this.#lineOf(id);
    const current =
      line.find(({ state, pending }) => state === 'active' && pending !== 'unsubscribe') ?? line[0];
    if (current !== undefined) await this.#request(current, 'subscribe');
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
  #problemsOfCallback({ name, settings }: Service): readonly string[] {
    const taken = this.#engine.life.known.some((one) => one.service === name && isWanted(one));
    return settings.callback.kind === 'exact' && taken
      ? ['the callback of this service is in use: leave callback out, or set appendServicePath']
      : [];
  }
}
