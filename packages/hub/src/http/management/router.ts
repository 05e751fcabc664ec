import { Router, type RequestHandler } from 'express';
import { bearsKey } from '../credentials.js';
import { openApiDocument } from '../openapi.js';
import { pathOf, sendProblem } from '../problem.js';
import { deadLetterOperations, type DeadLettersOptions } from './dead-letters.js';
import type { Operation } from './operation.js';
import { statsOperations } from './stats.js';
import { subscriptionOperations, type SubscriptionsOptions } from './subscriptions.js';
import { topicOperations } from './topics.js';

export interface ManagementOptions extends SubscriptionsOptions, DeadLettersOptions {
  readonly dev: boolean;
  readonly adminKey: string | undefined;
}

/** `/v1/…`: what the hub knows, as JSON, and what an operator does about it. Needs the admin key, except in development. */
export function managementRouter(options: ManagementOptions): Router {
  const operations = managementOperations(options);
  const router = Router();
  // What the API looks like is no secret.
  router.get('/openapi.json', (_request, response) => {
    response.json(openApiDocument(operations));
  });
  const admin = requireAdmin(options);
  for (const { method, path, handle } of operations) {
    router[method](path.replaceAll(/\{(\w+)\}/g, ':$1'), admin, handle);
  }
  router.use(admin, (request, response) => {
    sendProblem(
      response,
      404,
      `there is no ${request.method} ${pathOf(request)}: see /v1/openapi.json for the API`,
    );
  });
  return router;
}

export function managementOperations(options: ManagementOptions): readonly Operation[] {
  return [
    ...topicOperations(options),
    ...subscriptionOperations(options),
    ...deadLetterOperations(options),
    ...statsOperations(options),
  ];
}

function requireAdmin({ dev, adminKey }: ManagementOptions): RequestHandler {
  return (request, response, next) => {
    if (dev || bearsKey(request, adminKey)) next();
    else if (adminKey === undefined) {
      sendProblem(
        response,
        403,
        'the management API is closed: start the hub with --admin-key, or with --dev',
      );
    } else {
      response.set('WWW-Authenticate', 'Bearer');
      const given = request.get('authorization') !== undefined;
      sendProblem(response, given ? 403 : 401, 'send Authorization: Bearer and the admin key');
    }
  };
}
