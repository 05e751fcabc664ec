import { describe, expect, it } from 'vitest';
import type { SubscriberHandlers, SubscriptionDenial, SubscriptionVerification } from '@websub/subscriber';
import { Inbox, openWorld, until } from './world.js';

const CHALLENGE = 'cha11enge-._~';

describe('a verification', () => {
  it('S25 is confirmed by 2xx and the challenge as the whole body', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    await world.start();
    const { callback, topic } = world.hub.lastRequest;
    const reply = await world.hub.ask(callback, {
      mode: 'subscribe',
      topic,
      challenge: CHALLENGE,
      leaseSeconds: 60,
    });
    expect(reply).toMatchObject({ status: 200, body: CHALLENGE });
  });

  it('S24, S26 answers 404 to a topic that it does not want', async () => {
    await using world = await openWorld();
    await world.start();
    const { callback, topic } = world.hub.subscription;
    for (const other of [`${topic}?invalid`, `${topic}/`, topic.toUpperCase(), '']) {
      for (const mode of ['subscribe', 'unsubscribe'] as const) {
        const reply = await world.hub.ask(callback, { mode, topic: other, challenge: CHALLENGE });
        expect(reply.status).toBe(404);
        expect(reply.body).not.toContain(CHALLENGE);
      }
    }
  });

  it('S26 answers 404 where there is no subscription', async () => {
    await using world = await openWorld();
    await world.start();
    const { callback, topic } = world.hub.subscription;
    for (const url of [
      callback.replace(/[\w-]{24}$/, 'x'.repeat(24)),
      `${callback}/x`,
      new URL('/', callback).href,
    ]) {
      expect((await world.hub.ask(url, { mode: 'subscribe', topic, challenge: CHALLENGE })).status).toBe(404);
    }
  });

  it('S24 answers 404 to the end of a subscription that it wants', async () => {
    await using world = await openWorld();
    await world.start();
    const { callback, topic } = world.hub.subscription;
    expect((await world.hub.ask(callback, { mode: 'unsubscribe', topic, challenge: CHALLENGE })).status).toBe(
      404,
    );
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
  });

  it('confirms a subscription that the hub asks about by itself', async () => {
    await using world = await openWorld();
    await world.start();
    const { callback, topic } = world.hub.subscription;
    const reply = await world.hub.ask(callback, {
      mode: 'subscribe',
      topic,
      challenge: CHALLENGE,
      leaseSeconds: 60,
    });
    expect(reply.body).toBe(CHALLENGE);
    expect(world.told.renewed[0]?.expiresAt).toEqual(new Date(world.clock.now() + 60_000));
  });

  it('confirms an end again when the hub did not hear it', async () => {
    await using world = await openWorld();
    await world.start();
    const subscription = world.hub.subscription;
    const [view] = await world.listener.subscriptions.list();
    await world.listener.subscriptions.unsubscribe(view?.id ?? '');
    const { callback, topic } = subscription;
    expect((await world.hub.ask(callback, { mode: 'unsubscribe', topic, challenge: CHALLENGE })).body).toBe(
      CHALLENGE,
    );
    expect((await world.hub.ask(callback, { mode: 'subscribe', topic, challenge: CHALLENGE })).status).toBe(
      404,
    );
  });

  it('S27 takes no lease from the verification of an end', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    await world.start();
    const { callback, topic } = world.hub.lastRequest;
    await world.hub.verify(world.hub.lastRequest);
    const [view] = await world.listener.subscriptions.list();
    await world.listener.subscriptions.unsubscribe(view?.id ?? '');
    const reply = await world.hub.ask(`${callback}?hub.lease_seconds=999999`, {
      mode: 'unsubscribe',
      topic,
      challenge: CHALLENGE,
    });
    expect(reply.body).toBe(CHALLENGE);
    expect(world.told.unsubscribed[0]?.expiresAt).toBeUndefined();
  });

  it.each(['<script>alert(1)</script>', 'a b', 'a\r\nb', 'ü', 'x'.repeat(513)])(
    'refuses the challenge %j, which would reflect what a stranger wrote',
    async (challenge) => {
      await using world = await openWorld();
      await world.start();
      const { callback, topic } = world.hub.subscription;
      const reply = await world.hub.ask(callback, { mode: 'subscribe', topic, challenge });
      expect(reply.status).toBe(400);
      expect(reply.body).not.toContain(challenge);
    },
  );

  it('is answered as plain text that no browser takes for anything else', async () => {
    await using world = await openWorld();
    await world.start();
    const [reply] = world.hub.verifications;
    expect(reply?.header('content-type')).toBe('text/plain; charset=utf-8');
    expect(reply?.header('x-content-type-options')).toBe('nosniff');
    expect(reply?.header('content-security-policy')).toBe("default-src 'none'");
    expect(reply?.header('referrer-policy')).toBe('no-referrer');
  });

  it('is not a request that asks nothing', async () => {
    await using world = await openWorld();
    await world.start();
    for (const query of ['', '?hub.mode=subscribe', '?hub.mode=other&hub.topic=x&hub.challenge=x']) {
      expect((await fetch(world.hub.subscription.callback + query)).status).toBe(404);
    }
    expect((await fetch(world.hub.subscription.callback, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('a verification handler', () => {
  class Picky extends Inbox {
    readonly asked: SubscriptionVerification[] = [];
    verdict: boolean | undefined | { accept: boolean; reason?: string } | Error;

    onSubscriptionVerification(
      asked: SubscriptionVerification,
    ): boolean | undefined | { accept: boolean; reason?: string } {
      this.asked.push(asked);
      if (this.verdict instanceof Error) throw this.verdict;
      return this.verdict;
    }

    onUnsubscriptionVerification(asked: SubscriptionVerification): boolean {
      this.asked.push(asked);
      return true;
    }
  }

  it('is asked with what the hub says, and confirms with nothing or true', async () => {
    await using world = await openWorld();
    const picky = new Picky();
    await world.listener.attachWithConfig(picky, { target: world.target, leaseSeconds: 600 });
    await world.listener.start();
    expect(picky.asked).toMatchObject([
      {
        mode: 'subscribe',
        topic: world.target[1],
        leaseSeconds: 600,
        expected: true,
        subscription: { state: 'pending' },
      },
    ]);
    expect(world.hub.subscriptions.size).toBe(1);
  });

  it.each([[false], [{ accept: false, reason: 'not today' }]])(
    'refuses with %j, which is a 404',
    async (verdict) => {
      await using world = await openWorld();
      const picky = new Picky();
      picky.verdict = verdict;
      await world.listener.attachWithConfig(picky, { target: world.target });
      await world.listener.start();
      expect(world.hub.verifications[0]).toMatchObject({
        status: 404,
        body: typeof verdict === 'object' ? 'not today' : 'no such subscription is wanted',
      });
      expect(await world.listener.subscriptions.list()).toMatchObject([{ state: 'denied' }]);
      expect(world.told.denied).toMatchObject([
        { reason: typeof verdict === 'object' ? 'not today' : 'onSubscriptionVerification refused it' },
      ]);
    },
  );

  it('is asked no more once it has refused', async () => {
    await using world = await openWorld();
    const picky = new Picky();
    picky.verdict = false;
    const service = await world.listener.attachWithConfig(picky, {
      target: world.target,
      onDenied: { retryAfterMs: 1_000 },
    });
    await world.listener.start();
    await expect(service.verified()).rejects.toMatchObject({ code: 'denied' });
    await world.clock.advance(30 * 86_400_000);
    expect(world.hub.requests).toHaveLength(1);
  });

  it('LAW 5 that refuses a renewal leaves the lease in force, which ends when it ends', async () => {
    await using world = await openWorld();
    const picky = new Picky();
    await world.listener.attachWithConfig(picky, {
      target: world.target,
      leaseSeconds: 86_400,
      renewal: 'keep',
    });
    await world.listener.start();
    picky.verdict = false;
    await world.clock.advance(0.9 * 86_400_000);
    expect(picky.asked).toHaveLength(2);
    expect(await world.listener.subscriptions.list()).toMatchObject([{ state: 'active' }]);
    await world.clock.advance(10 * 86_400_000);
    // At the end of the lease it is asked once more, and then no more.
    expect(picky.asked).toHaveLength(3);
    expect(await world.listener.subscriptions.list()).toMatchObject([{ state: 'denied' }]);
  });

  it('S24 cannot confirm what nobody asked for', async () => {
    await using world = await openWorld();
    const picky = new Picky();
    picky.verdict = true;
    await world.listener.attachWithConfig(picky, { target: world.target });
    await world.listener.start();
    const { callback, topic } = world.hub.subscription;
    const questions = [
      { mode: 'unsubscribe', topic, challenge: CHALLENGE },
      { mode: 'subscribe', topic: 'https://other.example/', challenge: CHALLENGE },
    ] as const;
    for (const question of questions) expect((await world.hub.ask(callback, question)).status).toBe(404);
    expect(picky.asked.slice(1).map(({ expected }) => expected)).toEqual([false, false]);
  });

  it('that throws answers 500, is reported, and changes nothing', async () => {
    await using world = await openWorld();
    const picky = new Picky();
    picky.verdict = new Error('broken');
    await world.listener.attachWithConfig(picky, { target: world.target });
    await world.listener.start();
    expect(world.hub.verifications[0]?.status).toBe(500);
    expect(world.told.errors).toMatchObject([{ code: 'handler_failed', cause: picky.verdict }]);
    expect(await world.listener.subscriptions.list()).toMatchObject([
      { state: 'pending', pending: 'subscribe' },
    ]);
  });

  it('that gives a reason which is no text answers 500, and is reported', async () => {
    await using world = await openWorld();
    const onSubscriptionVerification = (): unknown => ({ accept: false, reason: { a: 1 } });
    const service = { onSubscriptionVerification } as SubscriberHandlers;
    await world.listener.attachWithConfig(service, { target: world.target });
    await world.listener.start();
    expect(world.hub.verifications[0]?.status).toBe(500);
    expect(world.told.errors).toMatchObject([{ code: 'handler_failed' }]);
  });
});

describe('a denial', () => {
  class Denied extends Inbox {
    readonly denials: SubscriptionDenial[] = [];

    onSubscriptionValidationDenied(denial: SubscriptionDenial): void {
      this.denials.push(denial);
    }
  }

  it('S23 ends a subscription, and is told with topic and reason', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    const denied = new Denied();
    const attached = await world.listener.attachWithConfig(denied, { target: world.target });
    await world.listener.start();
    const { callback, topic } = world.hub.lastRequest;
    expect((await world.hub.deny(callback, topic, 'members only')).status).toBe(200);
    expect(denied.denials).toMatchObject([
      { topic, reason: 'members only', subscription: { state: 'denied' } },
    ]);
    expect(world.told.denied).toMatchObject([{ topic, reason: 'members only' }]);
    await expect(attached.verified()).rejects.toMatchObject({ code: 'denied' });
    await world.clock.advance(30 * 86_400_000);
    expect(world.hub.requests).toHaveLength(1);
    expect((await world.hub.verify(world.hub.lastRequest)).status).toBe(404);
  });

  it('without a reason is one too', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    await world.start();
    const { callback, topic } = world.hub.lastRequest;
    expect((await world.hub.deny(callback, topic)).status).toBe(200);
    expect(world.told.denied).toHaveLength(1);
  });

  it('of another topic or callback is forged, and answered 404', async () => {
    await using world = await openWorld();
    await world.start();
    const { callback, topic } = world.hub.subscription;
    expect((await world.hub.deny(callback, `${topic}2`)).status).toBe(404);
    expect((await world.hub.deny(callback.replace(/[\w-]{24}$/, 'x'.repeat(24)), topic)).status).toBe(404);
    expect(world.told.denied).toEqual([]);
  });

  it('of an active subscription ends the renewals and not the lease', async () => {
    await using world = await openWorld();
    await world.start();
    const subscription = world.hub.subscription;
    await world.hub.deny(subscription.callback, subscription.topic);
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(202);
    await world.clock.advance(864_000_000);
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(404);
    expect(world.hub.requests).toHaveLength(1);
  });

  it('is asked about again after the time that the options name', async () => {
    await using world = await openWorld();
    await world.start({ onDenied: { retryAfterMs: 3_600_000 } });
    const subscription = world.hub.subscription;
    await world.hub.deny(subscription.callback, subscription.topic);
    await world.clock.advance(3_600_000);
    await until(() => expect(world.hub.requests).toHaveLength(2));
    await until(() => expect(world.told.renewed).toHaveLength(1));
  });
});

it('tells a service of the errors that a hub reports by hub.mode=hub-error', async () => {
  await using world = await openWorld();
  const errors: object[] = [];
  const service = { onHubError: (error: object) => void errors.push(error) };
  await world.listener.attachWithConfig(service, { target: world.target });
  await world.listener.start();
  const { callback } = world.hub.subscription;
  const reply = await fetch(
    `${callback}?hub.mode=hub-error&hub.topic=https://t.example/&hub.reason=overload`,
  );
  expect(reply.status).toBe(200);
  expect(errors).toEqual([{ topic: 'https://t.example/', reason: 'overload' }]);
});
