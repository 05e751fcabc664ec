import { urlForLogs } from '@websub/shared';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addressBelow } from '../hub-address.js';
import type { Admission } from '../protocol/admission.js';
import type { ClosedRequests } from '../protocol/closed-requests.js';
import type { Operator } from '../protocol/operator.js';
import type { Recipient } from '../subscription/recipient.js';
import { SUBSCRIPTION_STATES } from '../subscription/subscription.js';
import { isoTimeOrNull, time } from './management/page.js';
import {
  lagSchema,
  outcomeSchema,
  subscriptionView,
  type SubscriptionView,
  type SubscriptionViewOptions,
} from './management/subscription-view.js';
import { sendProblem } from './problem.js';
import { sendTooMany } from './too-many.js';
import { escapeHtml, htmlPage, sendPage } from './web-page.js';

export interface StatusOptions extends SubscriptionViewOptions {
  readonly operator: Operator;
  readonly closedRequests: ClosedRequests;
  readonly admission: Admission | undefined;
}

export const statusSchema = z.object({
  state: z.enum([...SUBSCRIPTION_STATES, 'closed']),
  reason: z.string().describe('why it is as it is, and what to do'),
  topic: z.string().describe('without its query'),
  lease_ends_at: time.nullable(),
  lag: lagSchema,
  last_outcome: outcomeSchema.omit({ detail: true }).nullable(),
  next_attempt_at: time.nullable(),
});
type Status = z.input<typeof statusSchema>;

const NOT_YET: Pick<Status, 'lease_ends_at' | 'lag' | 'last_outcome' | 'next_attempt_at'> = {
  lease_ends_at: null,
  lag: { entries: 0, seconds: 0 },
  last_outcome: null,
  next_attempt_at: null,
};

/** Where the state of a request can be looked up. Whoever made the request knows it, and nobody can guess it. */
export function statusUrl(hubUrl: string, request: string): string {
  return addressBelow(hubUrl, `status/${request}`).href;
}

/**
 * `GET /status/{request}`: what became of a request to subscribe, as a page for people and as JSON for programs. It shows
 * what the subscriber may know: no secret, no callback, no address of the network behind the hub. Of the lease in force it
 * tells only to whom that lease was granted: two requests for the same pair must not look alike.
 */
export function statusPage(options: StatusOptions): RequestHandler {
  return async (request, response) => {
    const refusal = options.admission?.client(request.ip ?? '');
    if (refusal !== undefined) {
      sendTooMany(response, refusal);
      return;
    }
    const status = await statusOf(String(request.params['request']), options);
    response.set('Cache-Control', 'no-store');
    if (status === undefined) {
      sendProblem(
        response,
        404,
        'this address stands for nothing that the hub knows (any more): subscribe again, and use the address in the answer',
      );
    } else if (request.accepts(['json', 'html']) === 'html') sendPage(response, pageOf(status));
    else response.json(status);
  };
}

async function statusOf(name: string, options: StatusOptions): Promise<Status | undefined> {
  const recipient = await options.operator.find({ request: name });
  if (recipient === undefined) {
    const closed = options.closedRequests.find(name);
    return closed === undefined
      ? undefined
      : { ...NOT_YET, state: 'closed', reason: closed.reason, topic: urlForLogs(closed.topic) };
  }
  return recipient.subscription.lease?.request === name
    ? inForce(recipient, options)
    : pending(recipient, options);
}

async function inForce(recipient: Recipient, options: SubscriptionViewOptions): Promise<Status> {
  const view = await subscriptionView(recipient, options);
  const { state, topic, lease_ends_at, lag, last_outcome, next_attempt_at } = view;
  return {
    state,
    reason: reasonOf(view, options.deliveries.holdOf(view.callback) !== undefined),
    topic: urlForLogs(topic),
    lease_ends_at,
    lag,
    last_outcome:
      last_outcome === null
        ? null
        : { at: last_outcome.at, outcome: last_outcome.outcome, status: last_outcome.status },
    next_attempt_at,
  };
}

function pending({ subscription }: Recipient, { clock }: SubscriptionViewOptions): Status {
  const { topic, pending: asked } = subscription;
  const isDenied = asked?.kind === 'denial';
  const tries = asked?.attempts ?? 0;
  return {
    ...NOT_YET,
    state: isDenied ? 'denied' : 'pending',
    reason: isDenied
      ? `the hub denied the subscription: ${asked.reason}`
      : tries === 0
        ? 'the callback is asked to confirm the request'
        : `the callback was asked ${tries === 1 ? 'once' : `${tries} times`} and did not confirm the request: it is asked again`,
    topic: urlForLogs(topic),
    next_attempt_at: isoTimeOrNull(Math.max(asked?.dueAt ?? 0, clock.now())),
  };
}

function reasonOf(
  { state, caught_up, failing_since, last_outcome }: SubscriptionView,
  held: boolean,
): string {
  if (state === 'paused')
    return 'the operator of this hub has paused deliveries: they go on when he resumes them';
  if (state === 'suspended')
    return 'deliveries have failed for days, so each update is tried once: answer 2xx, or subscribe again';
  if (failing_since !== null) {
    const status = last_outcome?.status ?? null;
    const answer = status === null ? 'gave no answer' : `answered ${status}`;
    const wait = held ? ', and so did others of the same origin, which is tried now and then' : '';
    return `the callback ${answer}${wait}: let it answer 2xx${caught_up ? '' : ', and what waits is delivered'}`;
  }
  if (held) return 'deliveries to this origin fail: they go on when it answers again';
  return caught_up ? 'everything published so far is delivered' : 'updates are on their way';
}

function pageOf(status: Status): string {
  const { state, reason, topic } = status;
  const rows: readonly (readonly [string, string])[] = [
    ['Topic', topic],
    ['State', state],
    ...deliveryRows(status),
  ];
  const list = rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`).join('\n');
  const what = state === 'pending' ? 'request' : 'subscription';
  return htmlPage(
    'Subscription',
    `<h1>Your ${what} is ${state}</h1>\n<p>${escapeHtml(sentence(reason))}</p>\n<dl>${list}</dl>`,
  );
}

/** Without a lease nothing is delivered: then only the callback may be asked again, or be told. */
function deliveryRows(status: Status): readonly (readonly [string, string])[] {
  const { state, lease_ends_at, lag, last_outcome, next_attempt_at } = status;
  if (lease_ends_at === null) return next_attempt_at === null ? [] : [['Next attempt', next_attempt_at]];
  return [
    ['Lease ends', lease_ends_at],
    ['Not delivered yet', lagText(lag)],
    ['Last attempt', last_outcome === null ? 'none is remembered' : outcomeText(last_outcome)],
    ['Next attempt', next_attempt_at ?? whenNext(state, lag)],
  ];
}

function lagText({ entries, seconds }: Status['lag']): string {
  if (entries === 0) return 'nothing';
  const age = `${Math.round(seconds)} s old`;
  return entries === 1 ? `1 update, ${age}` : `${entries} updates, the first ${age}`;
}

function whenNext(state: Status['state'], { entries }: Status['lag']): string {
  if (state === 'paused') return 'when deliveries are resumed';
  return entries === 0 ? 'when something is published' : 'under way';
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function outcomeText({ at, outcome, status }: NonNullable<Status['last_outcome']>): string {
  return `${outcome} at ${at}, ${status === null ? 'without an answer' : `with status ${status}`}`;
}
