import { Router } from 'express';
import type { Deliveries } from '../../delivery/deliveries.js';
import { requireManager } from '../entrance.js';
import { pathOf, sendProblem } from '../problem.js';
import { consumerOperations, type ConsumersOptions } from './consumers.js';
import { credentialOperations, type CredentialsOptions } from './credentials.js';
import { deadLetterOperations, type DeadLettersOptions } from './dead-letters.js';
import type { Operation } from './operation.js';
import { presenceOperations, type PresenceOptions } from './presence.js';
import { statsOperations } from './stats.js';
import { streamOperations, type StreamsOptions } from './streams.js';
import { subscriptionOperations, type SubscriptionsOptions } from './subscriptions.js';
import { targetOperations, type TargetsOptions } from './targets.js';
import { topicOperations, type TopicsOptions } from './topics.js';

export interface ManagementOptions
  extends
    SubscriptionsOptions,
    DeadLettersOptions,
    CredentialsOptions,
    ConsumersOptions,
    PresenceOptions,
    StreamsOptions,
    TargetsOptions,
    TopicsOptions {
  readonly deliveries: Deliveries;
  readonly adminKey: string | undefined;
}

/** `/v1/…`: what the hub knows, as JSON, and what an operator does about it. Needs the right to manage, except in development. */
export function managementRouter(options: ManagementOptions): Router {
  const operations = managementOperations(options);
  const router = Router();
  // What the API looks like is no secret; it is written when somebody asks, as most hubs are never asked.
  router.get('/openapi.json', async (_request, response) => {
    const { openApiDocument } = await import('../openapi.js');
    response.json(openApiDocument(operations));
  });
  router.get('/asyncapi.json', async (_request, response) => {
    const { asyncApiDocument } = await import('../asyncapi.js');
    response.json(asyncApiDocument());
  });
  const manager = requireManager(options.admit, !options.dev && options.adminKey === undefined);
  for (const { method, path, forManagers, handle } of operations) {
    router[method](path.replaceAll(/\{(\w+)\}/g, ':$1'), ...(forManagers ? [manager] : []), handle);
  }
  router.use(manager, (request, response) => {
    sendProblem(
      response,
      404,
      `there is no ${request.method} ${pathOf(request)}: see /v1/openapi.json for the API`,
    );
  });
  return router;
}

function managementOperations(options: ManagementOptions): readonly Operation[] {
  return [
    ...topicOperations(options),
    ...subscriptionOperations(options),
    ...deadLetterOperations(options),
    ...credentialOperations(options),
    ...targetOperations(options),
    ...streamOperations(options),
    ...consumerOperations(options),
    ...presenceOperations(options),
    ...statsOperations(options),
  ];
}
