import { timingSafeEqual } from 'node:crypto';
import {
  CHALLENGE_BYTES,
  childHeaders,
  intentUrl,
  statusClass,
  type Clock,
  type HttpClient,
  type HttpFailure,
  type HttpResponse,
  type IntentQuery,
  type Random,
} from '@websub/shared';
import { HostTurns } from '../delivery/host-turns.js';
import { refOf, type HubEmitter, type HubEvents } from '../events.js';
import type { Position } from '../log/log.js';
import type { SubscriptionEvent } from '../subscription/decide.js';
import type { Recipient } from '../subscription/recipient.js';
import type { PendingDenial, PendingIntent } from '../subscription/subscription.js';
import type { RateLimit } from './rate-limit.js';
import type { Subscriptions } from './subscriptions.js';
import type { Validate } from './validation.js';

export interface VerificationOptions {
  readonly subscriptions: Subscriptions;
  readonly http: HttpClient;
  readonly validate: Validate;
  /** The newest position of the log. */
  readonly head: () => Position;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  readonly userAgent: string;
  /** How often a callback host is asked, repetitions included; absent in development. */
  readonly pace: RateLimit | undefined;
  /** Questions under way per callback host and in all. */
  readonly perHost: number;
  readonly inAll: number;
  /** Called when a question is settled, whatever it came to. */
  readonly onSettled: (recipient: Recipient) => void;
}

const TIMEOUT_MS = 10_000;
const LATE_ANSWER_MS = 1_000;
const LONGEST_ANSWER_BYTES = 4 * 1024;
const STORE_FAULT_PAUSE_MS = 5_000;

/** Asks callbacks for their intent and tells them of denials (sections 5.2 and 5.3). */
export class Verification {
  readonly #options: VerificationOptions;
  readonly #turns: HostTurns<Recipient>;
  /** The requests that are asked about at this moment, and the end of asking. */
  readonly #underWay = new Map<Recipient, { readonly request: string; readonly abort: AbortController }>();
  #stopped = false;

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#turns = new HostTurns(options);
  }

  /**
   * Queues the recipient's pending request, unless it is queued already. One that it replaced while the callback is asked
   * about it has a moment more: an answer that is on its way counts, and a callback that hangs must not delay the new one.
   */
  ask(recipient: Recipient): void {
    const { pending } = recipient.subscription;
    if (pending === null) return;
    if (recipient.asking) {
      const underWay = this.#underWay.get(recipient);
      if (underWay !== undefined && underWay.request !== pending.request)
        this.#options.clock.after(LATE_ANSWER_MS, () => underWay.abort.abort());
      return;
    }
    recipient.asking = true;
    this.#turns.add(recipient.host, recipient);
    this.#pump();
  }

  /** Starts no further question; what is pending stays so in the store, and is asked after the next start. */
  stop(): void {
    this.#stopped = true;
  }

  #pump(): void {
    if (this.#stopped) return;
    this.#turns.serve((recipient) => this.#start(recipient));
  }

  /** The hub is no amplifier: whatever strangers ask for, a host is asked at its pace. */
  #start(recipient: Recipient): void {
    const { pace, clock } = this.#options;
    const waitMs = pace?.admit(recipient.host, clock.monotonic()) ?? 0;
    if (waitMs === 0) {
      void this.#settle(recipient);
      return;
    }
    this.#turns.release(recipient.host);
    clock.after(waitMs, () => {
      this.#turns.add(recipient.host, recipient);
      this.#pump();
    });
  }

  async #settle(recipient: Recipient): Promise<void> {
    try {
      const { pending } = recipient.subscription;
      if (pending !== null) {
        const abort = new AbortController();
        this.#underWay.set(recipient, { request: pending.request, abort });
        const event =
          pending.kind === 'denial'
            ? await this.#tell(recipient, pending, abort.signal)
            : await this.#verify(recipient, pending, abort.signal);
        // A subscribe that cut the question short asks in its place whether the callback stays.
        const isOpen = event === undefined && recipient.subscription.pending?.kind === 'subscribe';
        if (event?.kind !== 'intent-confirmed' && !isOpen) recipient.endIsDoubtful = true;
        if (event !== undefined) await this.#options.subscriptions.apply(recipient, event);
      }
    } catch (error) {
      this.#options.events.emit('fault', { where: 'verification', error });
      // The store is broken and the request is still pending there: asked again at once, the callback would be flooded.
      await new Promise<void>((resume) => this.#options.clock.after(STORE_FAULT_PAUSE_MS, resume));
    } finally {
      this.#underWay.delete(recipient);
      recipient.asking = false;
      this.#turns.release(recipient.host);
      this.#options.onSettled(recipient);
      this.#pump();
    }
  }

  /** `undefined` when asking was ended before an answer came. */
  async #verify(
    recipient: Recipient,
    pending: PendingIntent,
    signal: AbortSignal,
  ): Promise<SubscriptionEvent | undefined> {
    const { clock, random, head, validate, events } = this.#options;
    const { topic, callback } = recipient.subscription;
    const { request } = pending;
    // Unsubscriptions are not validated with anybody (section 5).
    const refusal = pending.kind === 'subscribe' ? await validate({ topic, callback }) : undefined;
    if (refusal !== undefined) return { kind: 'denied', request, reason: refusal };
    const challenge = random.token(CHALLENGE_BYTES);
    // The lease counts from here (section 5.3), and so does what is owed.
    const asked = { askedAt: clock.now(), head: head() };
    const answer = await this.#get(recipient, signal, {
      mode: pending.kind,
      topic,
      challenge,
      ...(pending.kind === 'subscribe' ? { leaseSeconds: pending.leaseSeconds } : {}),
      ...(pending.verifyToken === null ? {} : { verifyToken: pending.verifyToken }),
    });
    if (answer.kind === 'failure' && answer.reason === 'aborted') return undefined;
    const outcome = outcomeOf(answer, challenge);
    events.emit('verification-attempted', { ...refOf(recipient.subscription), mode: pending.kind, outcome });
    if (outcome === 'confirmed') return { kind: 'intent-confirmed', of: pending, ...asked };
    const isOver = answer.kind === 'failure' ? isFinal(answer) : answer.status < 500;
    return { kind: isOver ? 'intent-refused' : 'intent-unanswered', request, detail: detailOf(answer) };
  }

  async #tell(
    recipient: Recipient,
    { request, reason }: PendingDenial,
    signal: AbortSignal,
  ): Promise<SubscriptionEvent | undefined> {
    const { topic } = recipient.subscription;
    const answer = await this.#get(recipient, signal, { mode: 'denied', topic, reason });
    if (answer.kind === 'failure' && answer.reason === 'aborted') return undefined;
    const unheard = answer.kind === 'failure' ? !isFinal(answer) : answer.status >= 500;
    return { kind: unheard ? 'denial-unanswered' : 'denial-told', request };
  }

  #get(
    { subscription: { callback, pending } }: Recipient,
    signal: AbortSignal,
    query: IntentQuery,
  ): Promise<HttpResponse | HttpFailure> {
    const { http, userAgent, random } = this.#options;
    return http.send({
      method: 'GET',
      url: intentUrl(callback, query),
      headers: { accept: '*/*', 'user-agent': userAgent, ...childHeaders(pending?.trace, random) },
      timeoutMs: TIMEOUT_MS,
      answer: { kind: 'body', maxBytes: LONGEST_ANSWER_BYTES },
      signal,
    });
  }
}

function outcomeOf(
  answer: HttpResponse | HttpFailure,
  challenge: string,
): HubEvents['verification-attempted'][0]['outcome'] {
  if (answer.kind === 'failure') return answer.reason;
  const outcome = statusClass(answer.status);
  if (outcome !== '2xx') return outcome;
  return isEqual(answer.body, challenge) ? 'confirmed' : 'mismatch';
}

/** The kind of failure only: whoever asked may read this, and what lies behind a name is not for everybody. */
function detailOf(answer: HttpResponse | HttpFailure): string {
  if (answer.kind === 'failure')
    return answer.reason === 'forbidden-address'
      ? 'it has an address that this hub may not connect to'
      : `no answer (${answer.reason})`;
  const isSuccess = answer.status >= 200 && answer.status < 300;
  return `it answered ${answer.status}${isSuccess ? ', and something else than hub.challenge' : ''}`;
}

/** Asking again would come to the same. */
function isFinal({ reason }: HttpFailure): boolean {
  return reason === 'forbidden-address' || reason === 'too-large' || reason === 'bad-response';
}

function isEqual(body: Uint8Array, challenge: string): boolean {
  const expected = Buffer.from(challenge);
  return body.byteLength === expected.byteLength && timingSafeEqual(body, expected);
}
