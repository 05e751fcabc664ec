import { urlForLogs, WebSubError, type Clock, type Random } from '@websub/shared';
import { reachFor, type Egress } from '../egress.js';
import { askHub, type HubAnswer } from '../hub/ask-hub.js';
import { callbackUrl, drawId } from '../service/callback-url.js';
import type { Logger } from '../logger.js';
import type { OwnOptions } from '../service/own-options.js';
import type { Service } from '../service/service.js';
import type { SecretSetting } from '../service/settings.js';
import type { ReadTarget } from '../service/target.js';
import { decide } from '../subscription/decide.js';
import { lineOf, type StoredSubscription } from '../subscription/subscription.js';
import { findCandidates, type Candidates } from './candidates.js';
import { contest } from './contest.js';
import type { Life } from './life.js';

export interface EnrolmentParts {
  readonly life: Life;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The listener's public URL; known once it was started. */
  publicUrl(): string;
}

/** What somebody wants to be subscribed to. */
export interface Wish {
  /** As the subscription is to have it. */
  readonly service: Service;
  readonly target: ReadTarget;
  readonly origin: StoredSubscription['origin'];
  /** Absent: as the service's options say. */
  readonly terms?: Terms;
  /** What it has of its own over the options of the service. */
  readonly options?: OwnOptions;
  /** The subscription that the new one takes over from. */
  readonly replaces?: StoredSubscription;
  /** Whether other instances on the store may wish for the same at this moment. */
  readonly contested?: boolean;
  /** Aborted when it is wished for no more: nothing is tried again then. */
  readonly signal?: AbortSignal;
}

/** What a hub is asked for. */
export interface Terms {
  readonly leaseSeconds?: number;
  readonly secret: SecretSetting;
}

const SECRET_BYTES = 32;
const DEFAULT_RETRY = { attempts: 3, baseMs: 500, maxMs: 30_000 };

/** What one that was made at run time has of its own goes on with its successor; a secret that was drawn is drawn anew. */
export function ownOf(subscription: StoredSubscription): Pick<Wish, 'terms' | 'options'> {
  const { options } = subscription;
  return { terms: termsOf(subscription), ...(options === undefined ? {} : { options }) };
}

function termsOf({ leaseSeconds, secrets, secretsGiven }: StoredSubscription): Terms {
  const [current, ...previous] = secrets;
  const secret: SecretSetting =
    current === undefined
      ? { kind: 'none' }
      : secretsGiven === true
        ? { kind: 'fixed', secrets: [current, ...previous] }
        : { kind: 'auto' };
  return { ...(leaseSeconds === undefined ? {} : { leaseSeconds }), secret };
}

/** Makes new subscriptions. */
export class Enrolment {
  readonly #parts: EnrolmentParts;

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
  }

  /**
   * Finds the hubs and asks one after the other, all of it as often as `httpConfig.retry` says. Settles when a hub has
   * accepted; verified it is then or soon. Rejects with the reason of the last try.
   */
  async enrol(wish: Wish): Promise<StoredSubscription> {
    const { settings } = wish.service;
    const { attempts, baseMs, maxMs } = { ...DEFAULT_RETRY, ...settings.http.retry };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.enrolAt(await findCandidates(this.#parts.egress, wish.target, settings), wish);
      } catch (thrown) {
        const passing = thrown instanceof WebSubError && thrown.retryable && thrown.code !== 'stopped';
        if (!passing || attempt >= attempts) throw thrown;
      }
      await this.#pause(Math.min(baseMs * 2 ** (attempt - 1), maxMs), wish.signal);
      wish.signal?.throwIfAborted();
    }
  }

  /** Asks the hubs one after the other; each gets a callback of its own (section 5.1.1). Rejects when none accepts. */
  async enrolAt({ topic, hubs, reach }: Candidates, wish: Wish): Promise<StoredSubscription> {
    const errors: WebSubError[] = [];
    for (const hub of hubs) {
      const subscription = this.#draft(hub, topic, wish);
      this.#warnOfOpenSecret(subscription);
      // Stored first: some hubs verify before they answer.
      await this.#parts.life.add(subscription);
      const chosen =
        wish.contested === true ? await contest(this.#parts.life, subscription, wish.replaces) : subscription;
      if (chosen.id !== subscription.id) return chosen;
      if (wish.replaces !== undefined) {
        await this.#parts.life.apply(wish.replaces.id, { kind: 'replaced', by: subscription.id });
      }
      const answer = await this.request(subscription, 'subscribe', wish.service, reach);
      const now = await this.#parts.life.find(subscription.id);
      if (now !== undefined && (answer.kind === 'accepted' || now.state !== 'pending')) return now;
      await this.#parts.life.remove(subscription.id);
      if (answer.kind !== 'accepted') errors.push(answer.error);
    }
    throw (
      errors.find(({ retryable }) => retryable) ??
      errors[0] ??
      new WebSubError('gone', 'the subscription was removed')
    );
  }

  /** Sends one request for a subscription to its hub. Never rejects. */
  request(
    { hub, topic, callback, secrets, leaseSeconds }: StoredSubscription,
    mode: 'subscribe' | 'unsubscribe',
    { settings }: Service,
    reach: Candidates['reach'],
  ): Promise<HubAnswer> {
    const [secret] = secrets;
    const terms = {
      ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
      // Against replays, from a hub that can.
      ...(secret === undefined ? {} : { secret, webhookSignature: true as const }),
    };
    const form = mode === 'subscribe' ? { mode, topic, callback, ...terms } : { mode, topic, callback };
    return askHub(this.#parts.egress.client(reach, settings.http), {
      hub,
      form,
      params: settings.customParams,
      headers: settings.customHeaders,
      http: settings.http,
    });
  }

  /** A new subscription whose first request is pending. */
  #draft(hub: string, topic: string, wish: Wish): StoredSubscription {
    const { service, target, origin, options, replaces } = wish;
    const terms: Terms = wish.terms ?? service.settings;
    const id = drawId(this.#parts.random);
    const draft: StoredSubscription = {
      id,
      version: 0,
      service: service.name,
      target: target.key,
      origin,
      hub,
      topic,
      callback: callbackUrl(service.settings, this.#parts.publicUrl(), id),
      state: 'pending',
      secrets: this.#secrets(terms.secret),
      attempts: 0,
      ...(target.kind === 'resource' ? { resource: target.resource } : {}),
      ...(options === undefined ? {} : { options }),
      ...(terms.leaseSeconds === undefined ? {} : { leaseSeconds: terms.leaseSeconds }),
      ...(terms.secret.kind === 'fixed' ? { secretsGiven: true } : {}),
      ...(replaces === undefined ? {} : { replaces: replaces.id, line: lineOf(replaces) }),
    };
    return decide(draft, { kind: 'requested', mode: 'subscribe' }, this.#parts.clock.now()).subscription;
  }

  #secrets(setting: SecretSetting): readonly string[] {
    switch (setting.kind) {
      case 'auto':
        return [this.#parts.random.token(SECRET_BYTES)];
      case 'fixed':
        return setting.secrets;
      case 'none':
        return [];
    }
  }

  /** Section 5.1 wants secrets over HTTPS only; one that others may read still keeps out those who cannot. */
  #warnOfOpenSecret({ hub, secrets }: StoredSubscription): void {
    if (secrets.length === 0 || !hub.startsWith('http:') || reachFor(hub, {}) === 'loopback') return;
    const where = urlForLogs(hub);
    this.#parts.logger.warn(
      { hub: where },
      `the secret for ${where} is sent unencrypted: use the hub's https URL`,
    );
  }

  /** Ends early when `signal` does. */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }
}
