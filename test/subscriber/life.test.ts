import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkPolicy, TestClock, UndiciHttpClient, type HttpClient } from '@websub/shared';
import {
  memoryStore,
  SubscriberListener,
  type SubscriberServiceOptions,
  type SubscriptionStore,
} from '@websub/subscriber';
import { FakeHub, type HubRequestSeen } from '@websub/subscriber/testing';
import { freePort } from '../support/free-port.js';
import { Inbox, silent, Told } from './world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TOPICS = ['https://p.example/1', 'https://p.example/2', 'https://p.example/3'] as const;

/** The real client, which knows how many of its requests are under way. */
class CountingClient implements HttpClient {
  readonly #client = new UndiciHttpClient({ policy: new NetworkPolicy({ allowLoopback: true }) });
  readonly #underWay = new Set<Promise<unknown>>();

  get underWay(): number {
    return this.#underWay.size;
  }

  send(...request: Parameters<HttpClient['send']>): ReturnType<HttpClient['send']> {
    const answer = this.#client.send(...request);
    this.#underWay.add(answer);
    return answer.finally(() => this.#underWay.delete(answer));
  }

  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** What was decided is stored within a few of these; a store in memory waits for nothing else. */
async function turnsOfTheLoop(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** One process after another on one store, and a hub that counts leases as a real one does. */
class Life implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly hub: FakeHub;
  readonly inbox = new Inbox();
  /** When the lease of each callback ends at the hub, in ms of the clock. */
  readonly leases = new Map<string, { readonly topic: string; readonly endsAt: number }>();
  readonly #http = new CountingClient();
  #listener: SubscriberListener | undefined;
  #told: Told | undefined;
  expired = 0;

  private constructor(
    hub: FakeHub,
    private readonly port: number,
    private readonly leaseMs: number,
    private readonly options: SubscriberServiceOptions,
    private readonly store: SubscriptionStore = memoryStore(),
  ) {
    this.hub = hub;
  }

  static async begin(leaseMs: number, options: SubscriberServiceOptions = {}): Promise<Life> {
    const hub = await FakeHub.start({ leaseSeconds: leaseMs / 1_000 });
    const life = new Life(hub, await freePort(), leaseMs, options);
    await life.start();
    await life.settled();
    return life;
  }

  get requests(): readonly HubRequestSeen[] {
    return this.hub.requests;
  }

  async start(): Promise<void> {
    const { store, clock, port } = this;
    const ports = { clock, http: this.#http };
    const listener = new SubscriberListener(port, { store, logger: silent, ports });
    this.#listener = listener;
    this.#told = new Told(listener);
    const target = TOPICS.map((topic) => ({ hub: this.hub.url, topic }));
    // What failed is tried again in the background; no start waits for a clock that stands still.
    await listener.attachWithConfig(this.inbox, {
      target,
      httpConfig: { retry: { attempts: 1 } },
      ...this.options,
    });
    await listener.start();
  }

  async stop(how: 'gracefulStop' | 'immediateStop'): Promise<void> {
    this.expired += this.#told?.expired.length ?? 0;
    await this.#listener?.[how]();
    this.#listener = undefined;
  }

  /** Moves time on in steps, each of them done with before the next. */
  async pass(ms: number, stepMs = MINUTE): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advance(Math.min(stepMs, left));
      await this.settled();
    }
  }

  /** Settles when no request is under way and nothing is left to be done, and takes over the hub's leases. */
  async settled(): Promise<void> {
    let before = '';
    for (;;) {
      await turnsOfTheLoop();
      await this.#http.idle();
      const now = JSON.stringify(await this.#versions());
      if (now === before && this.#http.underWay === 0) break;
      before = now;
    }
    for (const { callback, topic } of this.hub.subscriptions.values()) {
      const requested = [...this.hub.requests]
        .reverse()
        .find((request) => request.callback === callback && request.mode === 'subscribe');
      if (requested !== undefined && !this.#counted.has(requested)) {
        this.#counted.add(requested);
        this.leases.set(callback, { topic, endsAt: this.clock.now() + this.leaseMs });
      }
    }
    const there = new Set([...this.hub.subscriptions.values()].map(({ callback }) => callback));
    for (const callback of this.leases.keys()) if (!there.has(callback)) this.leases.delete(callback);
  }

  /** The topics of which the hub would deliver an update now, by a lease that has not ended. */
  covered(): ReadonlySet<string> {
    const now = this.clock.now();
    return new Set([...this.leases.values()].filter(({ endsAt }) => endsAt > now).map(({ topic }) => topic));
  }

  /** Delivers to every subscription in force, as the hub does at an update; settles with the answers that were given. */
  async publish(body: string): Promise<ReadonlySet<number>> {
    const now = this.clock.now();
    const statuses = new Set<number>();
    for (const subscription of this.hub.subscriptions.values()) {
      const lease = this.leases.get(subscription.callback);
      if (lease === undefined || lease.endsAt <= now) continue;
      const { status } = await this.hub.deliver(subscription, `${body} ${subscription.topic}`);
      statuses.add(status);
    }
    return statuses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.immediateStop();
    await this.#http.close();
    await this.hub.close();
  }

  readonly #counted = new WeakSet<HubRequestSeen>();

  async #versions(): Promise<readonly string[]> {
    const versions: string[] = [];
    for await (const { id, version } of this.store.list()) versions.push(`${id} ${version}`);
    return versions;
  }
}

describe('a day of three subscriptions', () => {
  it.each(['rotate', 'keep'] as const)(
    'S28 with leases of an hour has no gap, and every update is handled once (%s)',
    async (renewal) => {
      await using life = await Life.begin(HOUR, { renewal });
      const expected: string[] = [];
      for (let quarter = 0; quarter < 96; quarter++) {
        await life.pass(15 * MINUTE, 5 * MINUTE);
        expect(life.covered().size).toBe(3);
        expect(await life.publish(`update ${quarter}`)).toEqual(new Set([202]));
        expected.push(...TOPICS.map((topic) => `update ${quarter} ${topic}`));
      }
      expect([...life.inbox.texts].toSorted()).toEqual(expected.toSorted());
      expect(life.expired).toBe(0);
      // A renewal every 43 to 48 minutes, each with the end of the old one where callbacks change.
      const renewals = life.requests.filter(({ mode }) => mode === 'subscribe').length - 3;
      expect(renewals).toBeGreaterThanOrEqual(3 * 28);
      expect(renewals).toBeLessThanOrEqual(3 * 34);
      const ends = life.requests.length - renewals - 3;
      expect(ends).toBeGreaterThanOrEqual(renewal === 'keep' ? 0 : renewals - 3);
      expect(ends).toBeLessThanOrEqual(renewal === 'keep' ? 0 : renewals);
    },
    60_000,
  );

  it('S28 has no gap though the process ends and the hub fails at any moment, and every update is handled once', async () => {
    // Shorter than what is left of a lease when it is to be renewed, at 80 % at the latest.
    const minutes = fc.integer({ min: 1, max: 8 });
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('pass'), minutes: fc.integer({ min: 1, max: 90 }) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('kill', 'stop'), minutes }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constantFrom('hub answers 503', 'hub answers 400', 'hub is silent'),
          minutes,
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 24 }),
        fc.constantFrom('rotate' as const, 'keep' as const, undefined),
        async (steps, renewal) => {
          await using life = await Life.begin(HOUR, renewal === undefined ? {} : { renewal });
          let updates = 0;
          const within = async (time: number): Promise<void> => {
            for (let minute = 0; minute < time; minute++) {
              await life.pass(MINUTE);
              expect(life.covered().size).toBe(3);
            }
          };
          for (const { kind, minutes: time } of steps) {
            switch (kind) {
              case 'kill':
              case 'stop':
                await life.stop(kind === 'kill' ? 'immediateStop' : 'gracefulStop');
                await within(time);
                await life.start();
                break;
              case 'hub answers 503':
              case 'hub answers 400':
              case 'hub is silent':
                life.hub.reply = () => ({ status: kind === 'hub is silent' ? 202 : Number(kind.slice(-3)) });
                await within(time);
                life.hub.reply = undefined;
                break;
              case 'pass':
                await within(time);
            }
            // Time to recover in, as between two misfortunes.
            await within(6);
            const body = `update ${++updates}`;
            const statuses = await life.publish(body);
            // An old subscription that the hub would not end is gone for us, and its topic comes by the new one.
            expect([...statuses].filter((status) => status !== 202 && status !== 410)).toEqual([]);
            expect(life.inbox.texts.filter((text) => text.startsWith(`${body} `)).toSorted()).toEqual(
              TOPICS.map((topic) => `${body} ${topic}`),
            );
          }
          expect(life.expired).toBe(0);
        },
      ),
      {
        numRuns: 20,
        examples: [
          // A restart must not ask again for what was to take over, and was given up meanwhile.
          [
            [
              { kind: 'hub answers 400', minutes: 7 },
              { kind: 'stop', minutes: 7 },
              { kind: 'pass', minutes: 20 },
              { kind: 'hub answers 503', minutes: 3 },
              { kind: 'hub answers 503', minutes: 7 },
              { kind: 'pass', minutes: 5 },
              { kind: 'stop', minutes: 3 },
              { kind: 'kill', minutes: 2 },
              { kind: 'pass', minutes: 21 },
              { kind: 'hub answers 400', minutes: 7 },
              { kind: 'hub answers 503', minutes: 7 },
            ],
            'rotate',
          ],
          // A hub that would not end a subscription delivers to it for the rest of the lease.
          [
            [
              { kind: 'pass', minutes: 19 },
              { kind: 'kill', minutes: 1 },
              { kind: 'hub answers 400', minutes: 8 },
              { kind: 'kill', minutes: 1 },
              { kind: 'pass', minutes: 29 },
              { kind: 'hub answers 400', minutes: 1 },
              { kind: 'kill', minutes: 1 },
              { kind: 'hub answers 503', minutes: 1 },
              { kind: 'kill', minutes: 3 },
              { kind: 'hub is silent', minutes: 1 },
              { kind: 'hub answers 503', minutes: 8 },
            ],
            'rotate',
          ],
        ],
      },
    );
  }, 60_000);
});
