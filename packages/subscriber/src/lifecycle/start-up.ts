import { WebSubError, type Clock } from '@websub/shared';
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

/** A wish that is tried until its service is let go, or the listener stops. */
type Trial = Wish & { readonly signal: AbortSignal };

/** What looks lasting may still pass, as when a page gets its hub later; so it is tried again, but seldom. */
const LASTING_FAULT_ATTEMPT = 20;

/** Brings what is stored and what services want together, and goes on until it is so. */
export class StartUp {
  readonly #parts: StartUpParts;
  readonly #trying = new Map<Service, AbortController>();

  constructor(parts: StartUpParts) {
    this.#parts = parts;
  }

  /** Settles when every target was tried; never rejects for a target that failed. */
  async begin(service: Service): Promise<StartReport> {
    const stored = this.#parts.life.known.filter((subscription) => subscription.service === service.name);
    const plan = planStart(service, this.#parts.publicUrl(), stored, this.#parts.clock.now());
    for (const { id } of plan.drop) await this.#parts.life.remove(id);
    for (const { id } of plan.end)
      await this.#parts.life.apply(id, { kind: 'requested', mode: 'unsubscribe' });
    // What a crash left unasked is asked for; at the hubs of the rest nothing changes.
    for (const { id } of plan.resume) await this.#parts.life.apply(id, { kind: 'resumed' });
    const trying = new AbortController();
    this.#trying.set(service, trying);
    const tried = await Promise.all(
      plan.enrol.map((planned) => this.#try({ ...wishOf(service, planned), signal: trying.signal })),
    );
    return {
      subscribed: tried.flatMap((result) => ('subscription' in result ? [viewOf(result.subscription)] : [])),
      resumed: plan.resume.map(viewOf),
      failed: tried.flatMap((result) => ('failed' in result ? [result.failed] : [])),
    };
  }

  /** Tries nothing again for this service. */
  forget(service: Service): void {
    this.#trying
      .get(service)
      ?.abort(
        new WebSubError('stopped', `nothing more is tried for ${service.name}: it was stopped or detached`),
      );
    this.#trying.delete(service);
  }

  stop(): void {
    for (const service of this.#trying.keys()) this.forget(service);
  }

  async #try(
    wish: Trial,
  ): Promise<
    { readonly subscription: StoredSubscription } | { readonly failed: StartReport['failed'][number] }
  > {
    try {
      return { subscription: await this.#parts.enrolment.enrol(wish) };
    } catch (thrown) {
      const error = asWebSubError(thrown);
      this.#tryLater(wish, error, 1);
      return { failed: { target: writtenTarget(wish.target), error } };
    }
  }

  #tryLater(wish: Trial, { retryable, code }: WebSubError, attempt: number): void {
    const { signal, target } = wish;
    if (code === 'stopped' || signal.aborted) return;
    const wait = retryPatience(retryable ? attempt : LASTING_FAULT_ATTEMPT, undefined, target.key);
    const cancel = this.#parts.clock.after(wait, () => {
      signal.removeEventListener('abort', cancel);
      this.#parts.background(this.#tryAgain(wish, attempt + 1));
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  async #tryAgain(wish: Trial, attempt: number): Promise<void> {
    try {
      await this.#parts.enrolment.enrol(wish);
    } catch (thrown) {
      if (wish.signal.aborted) return;
      const error = asWebSubError(thrown);
      this.#parts.report(error);
      this.#tryLater(wish, error, attempt);
    }
  }
}

function wishOf(service: Service, planned: PlannedEnrolment): Wish {
  return { ...planned, service: serviceFor(service, planned.options) };
}
