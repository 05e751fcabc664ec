import { isSafeChallenge, parseIntentQuery, WebSubError, type IntentQuery } from '@websub/shared';
import type { Life } from '../lifecycle/life.js';
import type { SubscriptionVerification, VerificationResult } from '../messages.js';
import type { Service } from '../service/service.js';
import { isWanted, viewOf, type StoredSubscription } from '../subscription/subscription.js';
import { answer, type CallbackAnswer } from './exchange.js';
import { textOf } from './handler-answer.js';

export interface VerificationParts {
  readonly life: Life;
  report(error: WebSubError): void;
}

type Said = Extract<VerificationResult, { readonly accept: boolean }>;
type Intent = Exclude<IntentQuery, { readonly mode: 'denied' }>;

const NOT_WANTED = answer(404, 'no such subscription is wanted');

/** Answers what a hub asks of, or tells, a subscription by GET (sections 5.2 and 5.3). */
export class Verification {
  readonly #parts: VerificationParts;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  async answer(
    subscription: StoredSubscription,
    service: Service,
    params: URLSearchParams,
  ): Promise<CallbackAnswer> {
    if (params.getAll('hub.mode').at(-1) === 'hub-error') return this.#hubError(service, params);
    const query = parseIntentQuery(params);
    if (query === undefined) return NOT_WANTED;
    return query.mode === 'denied'
      ? this.#denied(subscription, service, query)
      : this.#intent(subscription, service, query);
  }

  async #intent(subscription: StoredSubscription, service: Service, query: Intent): Promise<CallbackAnswer> {
    if (!isSafeChallenge(query.challenge))
      return answer(400, 'hub.challenge has characters that are not echoed');
    const expected = isExpected(subscription, query);
    const asked = { ...query, expected, subscription: viewOf(subscription) };
    const said = await this.#ask(service, asked);
    if (said === 'failed') return answer(500, 'the subscriber failed');
    // A handler can refuse what is expected, and not confirm what is not: a third party could end subscriptions.
    if (!expected) return NOT_WANTED;
    const { mode } = query;
    if (!said.accept) {
      const reason = said.reason ?? 'onSubscriptionVerification refused it';
      if (mode === 'subscribe') await this.#parts.life.apply(subscription.id, { kind: 'declined', reason });
      return said.reason === undefined ? NOT_WANTED : answer(404, said.reason);
    }
    const lease = query.leaseSeconds === undefined ? {} : { leaseSeconds: query.leaseSeconds };
    // Stored before the answer, so that the hub is promised nothing that a crash could take back.
    await this.#parts.life.apply(subscription.id, { kind: 'verified', mode, ...lease });
    return answer(200, query.challenge);
  }

  async #ask({ instance }: Service, asked: SubscriptionVerification): Promise<Said | 'failed'> {
    try {
      const result =
        asked.mode === 'subscribe'
          ? await instance.onSubscriptionVerification?.(asked)
          : await instance.onUnsubscriptionVerification?.(asked);
      return sayingOf(result);
    } catch (cause) {
      this.#parts.report(handlerFailed('the verification handler', cause));
      return 'failed';
    }
  }

  async #denied(
    subscription: StoredSubscription,
    { instance }: Service,
    { topic, reason }: { readonly topic: string; readonly reason?: string },
  ): Promise<CallbackAnswer> {
    // It is unsigned: the secret path, the topic and the state speak for it, or nothing does.
    if (topic !== subscription.topic || !isDeniable(subscription)) return NOT_WANTED;
    const why = reason === undefined ? {} : { reason };
    const applied = await this.#parts.life.apply(subscription.id, { kind: 'denied', ...why });
    try {
      const view = viewOf(applied?.subscription ?? subscription);
      await instance.onSubscriptionValidationDenied?.({ topic, ...why, subscription: view });
    } catch (cause) {
      this.#parts.report(handlerFailed('onSubscriptionValidationDenied', cause));
    }
    return answer(200);
  }

  async #hubError({ instance }: Service, params: URLSearchParams): Promise<CallbackAnswer> {
    const topic = params.get('hub.topic');
    const reason = params.get('hub.reason');
    try {
      await instance.onHubError?.({
        ...(topic === null ? {} : { topic }),
        ...(reason === null ? {} : { reason }),
      });
    } catch (cause) {
      this.#parts.report(handlerFailed('onHubError', cause));
    }
    return answer(200);
  }
}

/** Section 5.3.1: only a topic with a subscription, or an end of one, that is wanted. */
export function isExpected(subscription: StoredSubscription, { mode, topic }: Intent): boolean {
  if (topic !== subscription.topic) return false;
  if (mode === 'subscribe') return isWanted(subscription);
  // A hub whose first question we answered, and which did not hear it, asks again.
  return subscription.pending === 'unsubscribe' || subscription.state === 'unsubscribed';
}

function isDeniable({ state, pending }: StoredSubscription): boolean {
  return state === 'pending' || state === 'active' || pending !== undefined;
}

function sayingOf(result: VerificationResult): Said {
  if (typeof result !== 'object') return { accept: result !== false };
  const { accept, reason } = result;
  return { accept, ...(reason === undefined ? {} : { reason: textOf(reason) }) };
}

function handlerFailed(what: string, cause: unknown): WebSubError {
  return new WebSubError('handler_failed', `${what} failed`, { cause });
}
