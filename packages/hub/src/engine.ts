import type { Clock, HttpClient, Random } from '@websub/shared';
import { Agenda } from './delivery/agenda.js';
import { Backlog } from './delivery/backlog.js';
import { Canary, CANARY_TOPIC } from './delivery/canary.js';
import { Courier } from './delivery/courier.js';
import { DeadLetterBox } from './delivery/dead-letter-box.js';
import { Deliveries } from './delivery/deliveries.js';
import { Lag } from './delivery/lag.js';
import { LONGEST_RETRY_AFTER_MS } from './delivery/patience.js';
import { PlaceSaver } from './delivery/place-saver.js';
import { RecentAttempts } from './delivery/recent-attempts.js';
import { Redeliveries } from './delivery/redeliveries.js';
import type { Sender } from './delivery/sender.js';
import { Settlement } from './delivery/settlement.js';
import { WindowBacklog } from './delivery/window-backlog.js';
import { WatchedClock } from './delivery/watched-clock.js';
import type { HubEmitter } from './events.js';
import type { Gate } from './gate/gate.js';
import { HotTail } from './log/hot-tail.js';
import type { ResolvedOptions } from './options.js';
import { USER_AGENT } from './package-info.js';
import { Acceptance, REQUEST_BYTES } from './protocol/acceptance.js';
import { Admission } from './protocol/admission.js';
import { ClosedRequests } from './protocol/closed-requests.js';
import { Housekeeping } from './protocol/housekeeping.js';
import { Operator } from './protocol/operator.js';
import { Permissions } from './protocol/permissions.js';
import { Publications } from './protocol/publication.js';
import { RateLimit } from './protocol/rate-limit.js';
import { Resealing } from './protocol/resealing.js';
import { restore } from './protocol/restore.js';
import { Subscriptions } from './protocol/subscriptions.js';
import { TopicFetches } from './protocol/topic-fetches.js';
import { TopicRecords } from './protocol/topic-records.js';
import { UnusedTopics } from './protocol/unused-topics.js';
import type { Validate } from './protocol/validation.js';
import { Verification } from './protocol/verification.js';
import { Webhooks } from './protocol/webhooks.js';
import type { Store } from './store.js';
import type { SubscriptionEvent } from './subscription/decide.js';
import type { Recipient } from './subscription/recipient.js';
import { Roll } from './subscription/roll.js';
import type { Seal } from './subscription/sealed-secret.js';
import { Topic } from './topic/topic.js';

export interface EngineOptions {
  readonly config: ResolvedOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Verifies and denies. */
  readonly callbackHttp: HttpClient;
  /** Delivers. */
  readonly sender: Sender;
  /** Fetches. */
  readonly topicHttp: HttpClient;
  readonly validate: Validate;
  readonly seal: Seal;
  readonly gate: Gate;
  readonly events: HubEmitter;
  /** Whether somebody reads the topic at the moment who is no subscriber. */
  readonly isRead: (topic: string) => boolean;
  /** What the hub calls itself; known once it listens. */
  readonly hubUrl: () => string;
}

// What crosses threads is longer on its way, and cheaper in large parcels: with 4 slots a thousand callbacks of 50 hosts took
// a fifth more time, and with 64 slots in all a third more of the processor's. That this thread is idle for a moment says
// nothing of hosts while others do the work.
const SLOTS_WITH_WORKERS = { perHostAtFirst: 8, inAllAtFirst: 512, lookEveryMs: 5 };
const VERIFICATIONS_IN_ALL = 128;
const VERIFICATIONS_PER_HOST = { perSecond: 5, burst: 50 };
const STORE_FAULT_PAUSE_MS = 5_000;

/** The hub without its rim: protocol and delivery over a store, wired together in one place. */
export class Engine {
  readonly roll = new Roll();
  readonly log: HotTail;
  readonly deliveries: Deliveries;
  readonly lag: Lag;
  readonly redeliveries: Redeliveries;
  readonly recentAttempts: RecentAttempts;
  readonly operator: Operator;
  readonly closedRequests: ClosedRequests;
  /** Absent when it is turned off. */
  readonly canary: Canary | undefined;
  readonly publications: Publications;
  readonly acceptance: Acceptance;
  readonly webhooks: Webhooks;
  /** Absent in development, where nothing is bounded. */
  readonly admission: Admission | undefined;
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #agenda: Agenda<Recipient | Topic>;
  readonly #subscriptions: Subscriptions;
  readonly #permissions: Permissions;
  readonly #verification: Verification;
  readonly fetches: TopicFetches;
  readonly records: TopicRecords;
  readonly #places: PlaceSaver;
  readonly #housekeeping: Housekeeping;
  readonly #resealing: Resealing;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { config, store, random, callbackHttp, events, validate, seal } = options;
    const clock = new WatchedClock(options.clock, (byMs) => this.#onJump(byMs));
    this.#clock = clock;
    const { registry } = store;
    const { roll } = this;
    const common = { registry, roll, clock, random, events, seal, userAgent: USER_AGENT };
    const log = new HotTail(store.log);
    this.log = log;
    this.recentAttempts = new RecentAttempts(events, clock);
    this.closedRequests = new ClosedRequests(clock);

    this.#agenda = new Agenda<Recipient | Topic>(clock, (item) =>
      item instanceof Topic ? this.fetches.fetch(item) : this.#attend(item),
    );
    this.#subscriptions = new Subscriptions({
      ...common,
      closed: this.closedRequests,
      onChange: (recipient) => this.#attend(recipient),
      onConfirmed: (recipient) => this.deliveries.revive(recipient),
    });
    this.#permissions = new Permissions({
      ...common,
      gate: options.gate,
      subscriptions: this.#subscriptions,
    });
    this.#verification = new Verification({
      ...common,
      http: callbackHttp,
      subscriptions: this.#subscriptions,
      validate,
      head: () => log.head(),
      pace: config.dev ? undefined : new RateLimit(VERIFICATIONS_PER_HOST),
      perHost: config.verificationsPerHost,
      inAll: VERIFICATIONS_IN_ALL,
      onSettled: (recipient) => this.#attend(recipient),
    });
    this.publications = new Publications({ ...common, log });
    this.records = new TopicRecords({ ...common, onChange: (topic) => this.#attendTopic(topic) });
    this.fetches = new TopicFetches({
      ...common,
      records: this.records,
      http: options.topicHttp,
      log,
      publications: this.publications,
      maxBodyBytes: config.maxBodyBytes,
      fetchUnwanted: config.dev,
      isRead: options.isRead,
      onChange: (topic) => this.#attendTopic(topic),
    });
    this.canary =
      config.canaryMs === null ? undefined : new Canary({ ...common, log, everyMs: config.canaryMs });
    this.#places = new PlaceSaver({ places: store.places, clock, events });
    const apply = (recipient: Recipient, event: SubscriptionEvent): Promise<void> =>
      this.#subscriptions.apply(recipient, event);
    const letters = new DeadLetterBox(common);
    const backlog = new Backlog({ ...common, log, letters, places: this.#places });
    this.deliveries = new Deliveries({
      ...common,
      backlog,
      windows: new WindowBacklog({ ...common, log, letters, places: this.#places }),
      courier: new Courier({
        ...common,
        sender: this.canary?.on(options.sender) ?? options.sender,
        hubUrl: options.hubUrl,
        epoch: log.epoch,
      }),
      settlement: new Settlement({
        ...common,
        backlog,
        letters,
        places: this.#places,
        patience: config.patience,
        onGone: (recipient) => apply(recipient, { kind: 'gone' }),
        onSuspended: (recipient) => apply(recipient, { kind: 'suspended' }),
        onRecovered: (recipient) => apply(recipient, { kind: 'recovered' }),
      }),
      places: this.#places,
      perHost: config.hostConcurrency,
      inAll: config.maxInFlight,
      ...(config.workers > 0 && SLOTS_WITH_WORKERS),
      breaker: config.breaker,
      mayReceive: (recipient) => this.#permissions.mayReceive(recipient),
      onForbidden: (recipient) => this.#permissions.end(recipient),
      onSettled: (recipient) => this.#schedule(recipient),
    });
    this.lag = new Lag({ ...common, log });
    this.redeliveries = new Redeliveries({ ...common, log, letters, deliveries: this.deliveries });
    this.operator = new Operator({
      ...common,
      subscriptions: this.#subscriptions,
      deliveries: this.deliveries,
    });
    this.admission = config.dev
      ? undefined
      : new Admission({ roll, clock, mostSubscriptions: config.maxSubscriptions });
    this.acceptance = new Acceptance({
      ...common,
      subscriptions: this.#subscriptions,
      fetches: this.fetches,
      records: this.records,
      networks: config.networks,
      admission: this.admission,
      lease: config.lease,
    });
    this.webhooks = new Webhooks({
      ...common,
      subscriptions: this.#subscriptions,
      network: config.networks.callbacks,
      admission: this.admission,
      head: () => log.head(),
    });
    this.#resealing = new Resealing({ ...common, subscriptions: this.#subscriptions });
    this.#housekeeping = new Housekeeping({
      ...common,
      log,
      retention: config.retention,
      unusedTopics: new UnusedTopics({ ...common, log, records: this.records, isRead: options.isRead }),
    });
  }

  /** Reads what the last run left and goes on with it; settles when everything that was promised is on the agenda. */
  async start(): Promise<void> {
    const { registry, places } = this.#options.store;
    await this.#options.gate.start(
      () => void this.#permissions.findLost((recipient) => this.#attend(recipient)),
    );
    const { config, seal } = this.#options;
    const longestMs = Math.max(LONGEST_RETRY_AFTER_MS, ...config.patience.retryDelaysMs);
    await restore({
      registry,
      places,
      log: this.log,
      roll: this.roll,
      seal,
      latestRetryAt: this.#clock.now() + longestMs * 2,
    });
    this.log.wake((entries) => {
      for (const { topic, position } of entries) this.#wake(topic, position);
    });
    await this.canary?.start();
    for (const topic of this.roll.topics.values()) {
      this.#attendTopic(topic);
      for (const recipient of topic.recipients.values()) this.#attend(recipient);
    }
    this.redeliveries.wake();
    this.#housekeeping.start();
    this.#resealing.start();
  }

  /** Starts nothing new; settles when what was in flight has settled and every place is saved. */
  async stop(): Promise<void> {
    this.#permissions.stop();
    this.#options.gate.stop();
    this.canary?.stop();
    this.#housekeeping.stop();
    this.#agenda.stop();
    this.#verification.stop();
    this.fetches.stop();
    await this.#resealing.stop();
    this.redeliveries.stop();
    await this.deliveries.stop();
    await this.#options.callbackHttp.close();
    await this.#options.topicHttp.close();
    await this.#places.flush();
  }

  #wake(url: string, position: Topic['newest']): void {
    const topic = url === CANARY_TOPIC ? this.canary?.topic : this.roll.topics.get(url);
    if (topic === undefined) return;
    topic.newest = position;
    this.deliveries.wake(topic);
  }

  /** Something about the recipient changed or is due: sees to what is due now, and puts the rest on the agenda. */
  #attend(recipient: Recipient): void {
    const { events, random } = this.#options;
    const now = this.#clock.now();
    const { lease, pending } = recipient.subscription;
    const ends =
      lease !== null && lease.endsAt <= now
        ? this.#subscriptions.apply(recipient, { kind: 'lease-ended', request: random.token(REQUEST_BYTES) })
        : this.#permissions.isLost(recipient)
          ? this.#permissions.end(recipient)
          : undefined;
    if (ends !== undefined) {
      ends.catch((error: unknown) => {
        events.emit('fault', { where: 'lease', error });
        this.#agenda.schedule(recipient, now + STORE_FAULT_PAUSE_MS);
      });
      return;
    }
    if (pending !== null && pending.dueAt <= now) this.#verification.ask(recipient);
    this.deliveries.consider(recipient);
    this.#schedule(recipient);
  }

  #schedule(recipient: Recipient): void {
    this.#agenda.schedule(recipient, recipient.nextDue(this.#clock.now()));
  }

  /** What waits for a while must neither come at once, all together, nor a day later. */
  #onJump(byMs: number): void {
    this.#options.events.emit('clock-jumped', { byMs });
    const waiting: Recipient[] = [];
    for (const topic of this.roll.topics.values()) {
      topic.shift(byMs);
      for (const recipient of topic.recipients.values()) if (recipient.shift(byMs)) waiting.push(recipient);
    }
    // Whoever asked for the time is in the middle of something.
    setImmediate(() => {
      for (const topic of this.roll.topics.values()) this.#attendTopic(topic);
      for (const recipient of waiting) {
        this.#places.changed(recipient);
        this.#attend(recipient);
      }
      this.#agenda.rearm();
    });
  }

  #attendTopic(topic: Topic): void {
    this.#agenda.schedule(topic, topic.fetching ? Infinity : (topic.record.fetch?.dueAt ?? Infinity));
  }
}
