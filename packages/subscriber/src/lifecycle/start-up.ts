import type { CancelTimer, Clock, WebSubError } from '@websub/shared';
import { serviceFor } from '../service/own-options.js';
import type { Service } from '../service/service.js';
import { writtenTarget, type Target } from '../service/target.js';
import { viewOf, type StoredSubscription } from '../subscription/subscription.js';
import type { SubscriptionView } from '../messages.js';
import { asWebSubError } from '../errors.js';
import { retryPatience } from '../subscription/patience.js';
import type { Enrolment, Wish } from './enrolment.js';
import type { Life } from './life.js';
import { planStart, type PlannedEnrolment } from './start-plan.js';

/** What became of the targets of the services when they were started. */
export interface StartReport {
  /** A hub accepted; it has verified, or will. */
  readonly subscribed: readonly SubscriptionView[];
  /** Go on as they were stored. */
  readonly resumed: readonly SubscriptionView[];
  /** Are tried again in the background, until they succeed or the listener stops. */
  readonly failed: readonly { readonly target: Target; readonly error: WebSubError }[];
}

export interface StartUpParts {
  readonly life: Life;
  readonly enrolment: Enrolment;
  readonly clock: Clock;
  publicUrl(): string;
  report(error: WebSubError): void;
  background(work: Promise<unknown>): void;
}

/** What looks lasting may still pass, as when a page gets its hub later; so it is tried again, but seldom. */
const LASTING_FAULT_ATTEMPT = 20;

/** Brings what is stored and what services want together, and goes on until it is so. */
export class StartUp {
  readonly #parts: StartUpParts;
  readonly #waiting = new Map<Service, Set<CancelTimer>>();

  constructor(parts: StartUpParts) {
    this.#parts = parts;
  }

  /** Settles when every target was tried; never rejects for a target that failed. */
  async begin(service: Service): Promise<StartReport> {
    const stored = this.#parts.life.known.filter((subscription) => subscription.service === service.name);
    const plan = planStart(service, this.#parts.publicUrl(), stored);
    for (const { id } of plan.end)
      await this.#parts.life.apply(id, { kind: 'requested', mode: 'unsubscribe' });
    // What a crash left unasked is asked for; for the rest nothing changes.
    for (const { id } of plan.resume) await this.#parts.life.apply(id, { kind: 'resumed' });
    const tried = await Promise.all(plan.enrol.map((planned) => this.#try(service, planned)));
    return {
      subscribed: tried.flatMap((result) => ('subscription' in result ? [viewOf(result.subscription)] : [])),
      resumed: plan.resume.map(viewOf),
      failed: tried.flatMap((result) => ('failed' in result ? [result.failed] : [])),
    };
  }

  /** Tries nothing again for this service. */
  forget(service: Service): void {
    for (const cancel of this.#waiting.get(service) ?? []) cancel();
    this.#waiting.delete(service);
  }

  stop(): void {
    for (const service of this.#waiting.keys()) this.forget(service);
  }

  async #try(
    service: Service,
    planned: PlannedEnrolment,
  ): Promise<
    { readonly subscription: StoredSubscription } | { readonly failed: StartReport['failed'][number] }
  > {
    try {
      return { subscription: await this.#parts.enrolment.enrol(wishOf(service, planned)) };
    } catch (thrown) {
      const error = asWebSubError(thrown);
      this.#tryLater(service, planned, error, 1);
      return { failed: { target: writtenTarget(planned.target), error } };
    }
  }

  #tryLater(
    service: Service,
    planned: PlannedEnrolment,
    { retryable, code }: WebSubError,
    attempt: number,
  ): void {
    if (code === 'stopped') return;
    const wait = retryPatience(retryable ? attempt : LASTING_FAULT_ATTEMPT, undefined, planned.target.key);
    const timers = this.#waiting.get(service) ?? new Set();
    this.#waiting.set(service, timers);
    const cancel = this.#parts.clock.after(wait, () => {
      timers.delete(cancel);
      this.#parts.background(this.#tryAgain(service, planned, attempt + 1));
    });
    timers.add(cancel);
  }

  async #tryAgain(service: Service, planned: PlannedEnrolment, attempt: number): Promise<void> {
    try {
      await this.#parts.enrolment.enrol(wishOf(service, planned));
    } catch (thrown) {
      const error = asWebSubError(thrown);
      this.#parts.report(error);
      this.#tryLater(service, planned, error, attempt);
    }
  }
}

function wishOf(service: Service, planned: PlannedEnrolment): Wish {
  return { ...planned, service: serviceFor(service, planned.options) };
}
