import { WebSubError, type Clock } from '@websub/shared';
import { decide } from '../subscription/decide.js';
import type { LifeEffect, LifeEvent, LifePolicy } from '../subscription/life-event.js';
import type { StoreAccess } from '../store/store-access.js';
import type { Watch } from '../waiting.js';
import { isWanted, lineOf, type StoredSubscription } from '../subscription/subscription.js';

/** What a life asks of the rest of the subscriber. */
export interface LifeActions {
  policyFor(subscription: StoredSubscription): LifePolicy;
  /** Makes the request that is now pending. Never rejects. */
  send(subscription: StoredSubscription, mode: 'subscribe' | 'unsubscribe'): Promise<void>;
  /** Something happened that users may hear of. */
  tell(subscription: StoredSubscription, effect: LifeEffect & { readonly kind: 'tell' }): void;
  /** A subscription wants attention at this time. */
  hasten(at: Date): void;
  /** Work to wait for at a stop. */
  background(work: Promise<unknown>): void;
}

// Another instance on the same store may win a few times in a row, not for ever.
const MOST_CONFLICTS = 50;

/** Applies the decisions about subscriptions: stores the new state, then does what it asks for. */
export class Life {
  readonly #store: StoreAccess;
  readonly #clock: Clock;
  readonly #actions: LifeActions;
  readonly #known = new Map<string, StoredSubscription>();
  readonly #watchers = new Set<() => void>();
  #reading: Promise<unknown> = Promise.resolve();
  #nextReading: Promise<readonly StoredSubscription[]> | undefined;

  constructor(store: StoreAccess, clock: Clock, actions: LifeActions) {
    this.#store = store;
    this.#clock = clock;
    this.#actions = actions;
  }

  /** The subscriptions as this process last saw them. */
  get known(): readonly StoredSubscription[] {
    return [...this.#known.values()];
  }

  /** Calls `changed` whenever this process sees another state of any subscription; the answer ends that. */
  readonly watch: Watch = (changed) => {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  };

  /** Reads all that is stored. Calls that come before a reading begins share it. */
  load(): Promise<readonly StoredSubscription[]> {
    this.#nextReading ??= this.#reading.then(() => {
      const reading = this.#read();
      this.#nextReading = undefined;
      this.#reading = reading.catch(() => undefined);
      return reading;
    });
    return this.#nextReading;
  }

  async #read(): Promise<readonly StoredSubscription[]> {
    const all = await this.#store.list();
    const ids = new Set(all.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    for (const subscription of all) this.#remember(subscription);
    return this.known;
  }

  /** All that took over from one another, with the one of this id; as this process last saw them. */
  lineWith(line: string): readonly StoredSubscription[] {
    return this.known.filter((subscription) => lineOf(subscription) === line);
  }

  /** As this process last saw it. */
  seen(id: string): StoredSubscription | undefined {
    return this.#known.get(id);
  }

  find(id: string): Promise<StoredSubscription | undefined> {
    return this.#store.get(id);
  }

  /** Stores a new subscription. Rejects with `store_failed` when its id is taken, which chance rules out. */
  async add(subscription: StoredSubscription): Promise<void> {
    if (!(await this.#store.put(subscription, undefined))) throw conflict();
    this.#remember(subscription);
  }

  /** Marks a subscription as one that its hub is asked for. `undefined` when somebody else changed it meanwhile. */
  async claim(subscription: StoredSubscription): Promise<StoredSubscription | undefined> {
    const claimed = { ...subscription, version: subscription.version + 1 };
    if (!(await this.#store.put(claimed, subscription.version))) return undefined;
    this.#remember(claimed);
    return claimed;
  }

  /** Removes a subscription for good, unless it has changed meanwhile; settles with whether it did. */
  async withdraw(subscription: StoredSubscription): Promise<boolean> {
    // Nobody can write to it after this, so that nothing gets lost with it.
    if ((await this.claim(subscription)) === undefined) return false;
    await this.remove(subscription.id);
    return true;
  }

  async remove(id: string): Promise<void> {
    await this.#store.delete(id);
    this.#known.delete(id);
    this.#changed();
  }

  /**
   * Lets `event` happen to a subscription. Settles when the new state is stored; what it asks for follows in the
   * background, and `sent` settles with the request to the hub, at once if there is none. `undefined` when there is no
   * such subscription.
   */
  async apply(id: string, event: LifeEvent): Promise<Applied | undefined> {
    for (let tries = 0; tries < MOST_CONFLICTS; tries++) {
      const before = await this.#store.get(id);
      if (before === undefined) return undefined;
      const { subscription, effects } = decide(
        before,
        event,
        this.#clock.now(),
        this.#actions.policyFor(before),
      );
      const unchanged = subscription === before;
      if (unchanged || (await this.#store.put(subscription, before.version))) {
        this.#remember(subscription);
        return { subscription, ...(await this.#perform(subscription, effects)) };
      }
    }
    throw conflict();
  }

  async #perform(
    subscription: StoredSubscription,
    effects: readonly LifeEffect[],
  ): Promise<{ readonly sent: Promise<void> }> {
    let sent = Promise.resolve();
    for (const effect of effects) {
      switch (effect.kind) {
        case 'tell':
          this.#actions.tell(subscription, effect);
          break;
        case 'send':
          sent = this.#actions.send(subscription, effect.mode);
          this.#actions.background(sent);
          break;
        case 'retire':
          this.#actions.background(this.retire(effect.id, subscription));
          break;
        case 'stand-down':
          this.#actions.background(this.#standDown(effect, subscription));
          break;
        case 'forget':
          await this.remove(subscription.id);
          break;
      }
    }
    // Inside an object, or this would wait for the hub.
    return { sent };
  }

  /** Ends the subscription of this id in favour of one that was verified. Twice is as once. */
  async retire(id: string, { callback, topic, hub }: StoredSubscription): Promise<void> {
    const old = await this.#store.get(id);
    if (old === undefined) return;
    const atHub = old.callback !== callback || old.topic !== topic || old.hub !== hub;
    await this.apply(id, { kind: 'superseded', atHub });
  }

  /** The one that was to be taken over from goes on, unless the hub wants neither. */
  async #standDown(
    { id, denied, reason }: LifeEffect & { readonly kind: 'stand-down' },
    subscription: StoredSubscription,
  ): Promise<void> {
    const why = reason === undefined ? {} : { reason };
    const old = await this.#store.get(id);
    if (old === undefined || !isWanted(old)) {
      this.#actions.tell(subscription, { kind: 'tell', what: 'denied', ...why });
      return;
    }
    const sameAtHub = old.hub === subscription.hub && old.topic === subscription.topic;
    await this.apply(id, denied && sameAtHub ? { kind: 'denied', ...why } : { kind: 'abandoned' });
    await this.remove(subscription.id);
  }

  #remember(subscription: StoredSubscription): void {
    const before = this.#known.get(subscription.id);
    // A list that was begun before a write may end after it.
    if (before !== undefined && before.version > subscription.version) return;
    this.#known.set(subscription.id, subscription);
    if (subscription.dueAt !== undefined) this.#actions.hasten(subscription.dueAt);
    if (before !== subscription) this.#changed();
  }

  #changed(): void {
    for (const changed of this.#watchers) changed();
  }
}

export interface Applied {
  readonly subscription: StoredSubscription;
  readonly sent: Promise<void>;
}

function conflict(): WebSubError {
  return new WebSubError(
    'store_failed',
    'the store refuses a write again and again: check who else writes to it',
  );
}
