import type { Clock } from '@websub/shared';
import type { Request } from 'express';
import { z } from 'zod';
import { may, mayReadAll, type Grant } from '../../access/grant.js';
import type { OwnTopics } from '../../bridge/own-topics.js';
import { sessionUpdateBody } from '../../bridge/waltid/session-update.js';
import type { Admission } from '../../protocol/admission.js';
import type { Publications } from '../../protocol/publication.js';
import type { Webhooks } from '../../protocol/webhooks.js';
import type { Recipient } from '../../subscription/recipient.js';
import type { Seal } from '../../subscription/sealed-secret.js';
import { stateOf, SUBSCRIPTION_STATES } from '../../subscription/subscription.js';
import type { BodyRoom } from '../body-room.js';
import { refusalOf, type Admit } from '../entrance.js';
import type { IsPrivate } from '../privacy.js';
import { tooMany } from '../too-many.js';
import { notificationsBody } from './notifications-body.js';
import { operation, Problem, type Operation } from './operation.js';
import { once } from './page.js';

export interface TargetsOptions {
  readonly admit: Admit;
  readonly ownTopics: OwnTopics;
  readonly publications: Publications;
  readonly webhooks: Webhooks;
  readonly admission: Admission | undefined;
  readonly seal: Seal;
  /** Whether nobody on the way could read the request. */
  readonly isPrivate: IsPrivate;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  readonly room: BodyRoom;
}

export const notificationsSchema = z.object({
  webhook: z.object({
    url: z.string(),
    authorization: z.enum(['basic', 'bearer']).nullable().describe('what it is sent, without the credential'),
  }),
  subscription: z.string().describe('the id under which /v1/subscriptions tells of its deliveries'),
  state: z.enum(SUBSCRIPTION_STATES),
});
export const acceptedUpdateSchema = z.object({
  cursor: z.string().describe("the update's place in the log"),
});

const updateQuery = z.object({
  'hub.id': once('hub.id').describe('the same id for the same target within 24 hours is one update'),
});

/** Targets of walt.id: sessions, whose updates are published here, and read as streams or posted to a webhook. */
export function targetOperations(options: TargetsOptions): readonly Operation[] {
  const { publications, webhooks, maxBodyBytes, room } = options;
  const common = { tag: 'targets', forManagers: false } as const;
  return [
    operation({
      ...common,
      method: 'post',
      path: '/targets/{target}/updates',
      id: 'publishUpdate',
      summary: 'Publishes an update of the target to its streams and its webhook',
      query: updateQuery,
      body: sessionUpdateBody,
      mostBytes: maxBodyBytes,
      room,
      status: 202,
      answer: acceptedUpdateSchema,
      problems: [413, 415, 429, 507],
      enter: async (target, request) => {
        const entered = await enter(options, target, request, mayPublish);
        if (entered instanceof Problem) return entered;
        return async ({ query, body, bytes }) => {
          if (body.target !== target)
            return new Problem(400, 'target is another one than the address names: name the same in both');
          const id = query['hub.id'];
          const { cursor } = await publications.publish({
            topic: entered.topic,
            content: { body: bytes, contentType: 'application/json' },
            type: body.event,
            ...(id === undefined ? {} : { id }),
            headers: {},
          });
          return { cursor };
        };
      },
    }),
    operation({
      ...common,
      method: 'put',
      path: '/targets/{target}/notifications',
      id: 'setNotifications',
      summary: 'Posts the updates of the target to a webhook from now on, in place of the one before',
      body: notificationsBody,
      answer: notificationsSchema,
      problems: [413, 415, 429, 507],
      enter: async (target, request) => {
        const entered = await enter(options, target, request, maySetWebhook);
        if (entered instanceof Problem) return entered;
        return async ({ body }) => {
          if (body.authorization !== null && !options.isPrivate(request)) return IN_THE_OPEN;
          const outcome = await webhooks.set(entered.topic, body, entered.grant);
          return 'kind' in outcome ? Problem.of(tooMany(outcome)) : view(outcome, options);
        };
      },
    }),
    operation({
      ...common,
      method: 'get',
      path: '/targets/{target}/notifications',
      id: 'getNotifications',
      summary: 'The webhook of the target',
      answer: notificationsSchema,
      problems: [404],
      enter: async (target, request) => {
        const entered = await enter(options, target, request, maySetWebhook);
        if (entered instanceof Problem) return entered;
        const recipient = webhooks.find(entered.topic);
        return recipient === undefined ? NO_WEBHOOK : () => Promise.resolve(view(recipient, options));
      },
    }),
    operation({
      ...common,
      method: 'delete',
      path: '/targets/{target}/notifications',
      id: 'removeNotifications',
      summary: 'Posts nothing more to the webhook of the target',
      status: 204,
      problems: [404],
      enter: async (target, request) => {
        const entered = await enter(options, target, request, maySetWebhook);
        if (entered instanceof Problem) return entered;
        return async () => ((await webhooks.remove(entered.topic)) ? undefined : NO_WEBHOOK);
      },
    }),
  ];
}

const IN_THE_OPEN = new Problem(
  400,
  'the credential of the webhook came over plain http, where others can read it: send it by https',
);
const NO_WEBHOOK = new Problem(404, 'the target has no webhook: set one with PUT');

/** What somebody wants of a target's topic. */
interface Wish {
  readonly what: string;
  readonly isAllowed: (grant: Grant, topic: string) => boolean;
}

const mayPublish: Wish = {
  what: 'publishing to this target',
  isAllowed: (grant, topic) => may(grant, 'publish', topic),
};

/** A webhook is not asked whether it wants anything, so not everybody may set one: who publishes the topic, and may read it. */
const maySetWebhook: Wish = {
  what: 'having this target posted to a webhook',
  isAllowed: (grant, topic) => may(grant, 'register', topic) && mayReadAll(grant, topic),
};

async function enter(
  { admit, admission, ownTopics }: TargetsOptions,
  target: string,
  request: Request,
  { what, isAllowed }: Wish,
): Promise<{ readonly topic: string; readonly grant: Grant } | Problem> {
  const topic = ownTopics.of('targets', [target], 'target');
  const entrance = await admit(request);
  const { kind, grant } = entrance;
  if (!isAllowed(grant, topic)) return Problem.of(refusalOf(entrance, what));
  const refusal = kind === 'admitted' ? undefined : admission?.client(request.ip ?? '');
  return refusal === undefined ? { topic, grant } : Problem.of(tooMany(refusal));
}

function view(recipient: Recipient, { seal, clock }: TargetsOptions): z.input<typeof notificationsSchema> {
  const { subscription } = recipient;
  const header = recipient.authorization(seal);
  return {
    webhook: {
      url: subscription.callback,
      authorization: header === null ? null : header.startsWith('Basic ') ? 'basic' : 'bearer',
    },
    subscription: subscription.id,
    state: stateOf(subscription, clock.now()),
  };
}
