import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { loomErrorsSchema, loomEventSchema, newLoomEventSchema } from '../bridge/loom/loom-event.js';
import { VERSION } from '../package-info.js';
import { consumerPageSchema, consumerSchema, seekBody } from './management/consumers.js';
import {
  createdCredentialSchema,
  credentialPageSchema,
  credentialSchema,
  newCredentialBody,
  newTicketBody,
  revocationBody,
  ticketSchema,
} from './management/credentials.js';
import {
  deadLetterPageSchema,
  deadLetterSchema,
  redeliverBody,
  redeliverySchema,
} from './management/dead-letters.js';
import { notificationsBody } from './management/notifications-body.js';
import type { Operation } from './management/operation.js';
import {
  ackBody,
  nackBody,
  newTokenBody,
  streamPageSchema,
  streamSchema,
  tokenSchema,
} from './management/streams.js';
import { presenceSchema } from './management/presence.js';
import { statsSchema } from './management/stats.js';
import { attemptSchema, subscriptionSchema } from './management/subscription-view.js';
import { attemptListSchema, replayBody, subscriptionPageSchema } from './management/subscriptions.js';
import { acceptedUpdateSchema, notificationsSchema } from './management/targets.js';
import { topicPageSchema, topicSchema } from './management/topics.js';
import { droppedUser, pushedEvents } from '../bridge/notifier/notifier-words.js';
import { sessionUpdateBody } from '../bridge/waltid/session-update.js';
import { statusSchema } from './status.js';
import { WALLET_PATHS } from './wallet-events.js';

const problemSchema = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('a sentence that ends with the cure'),
  instance: z.string(),
});

/** What has a name in the document. */
const SCHEMAS = {
  Topic: topicSchema,
  TopicPage: topicPageSchema,
  Subscription: subscriptionSchema,
  SubscriptionPage: subscriptionPageSchema,
  Attempt: attemptSchema,
  AttemptList: attemptListSchema,
  Replay: replayBody,
  DeadLetter: deadLetterSchema,
  DeadLetterPage: deadLetterPageSchema,
  Redeliver: redeliverBody,
  Redelivery: redeliverySchema,
  Credential: credentialSchema,
  CredentialPage: credentialPageSchema,
  NewCredential: newCredentialBody,
  CreatedCredential: createdCredentialSchema,
  Revocation: revocationBody,
  NewTicket: newTicketBody,
  Ticket: ticketSchema,
  PushedEvents: pushedEvents,
  DroppedUser: droppedUser,
  SessionUpdate: sessionUpdateBody,
  AcceptedUpdate: acceptedUpdateSchema,
  SessionNotifications: notificationsBody,
  Notifications: notificationsSchema,
  Stream: streamSchema,
  StreamPage: streamPageSchema,
  NewToken: newTokenBody,
  Token: tokenSchema,
  Presence: presenceSchema,
  Consumer: consumerSchema,
  ConsumerPage: consumerPageSchema,
  Seek: seekBody,
  Ack: ackBody,
  Nack: nackBody,
  Stats: statsSchema,
  Status: statusSchema,
  Event: loomEventSchema,
  NewEvent: newLoomEventSchema,
  EventErrors: loomErrorsSchema,
  Problem: problemSchema,
};

type Json = Readonly<Record<string, unknown>>;

const CREDENTIALS = [{ bearer: [] }, { basic: [] }, { apiKey: [] }];

/** The OpenAPI 3.1 document of the hub's own API, made of the schemas that check what comes in. */
export function openApiDocument(operations: readonly Operation[]): Json {
  const paths: Record<string, Record<string, Json>> = { ...PUBLIC_PATHS };
  for (const operation of operations) {
    const path = `/v1${operation.path}`;
    paths[path] = { ...paths[path], [operation.method]: described(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'WebSub hub',
      version: VERSION,
      description:
        'What the hub knows, and what an operator does about it. Subscribing and publishing is `POST /`, as the W3C Recommendation WebSub says.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'the admin key, an API key, or a token' },
        basic: { type: 'http', scheme: 'basic', description: 'the same as password, with any user' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'the same' },
      },
    },
  };
}

function described({ id, tag, summary, path, query, body, status, answer, problems }: Operation): Json {
  const given = [400, 401, 403, ...problems];
  return {
    operationId: id,
    tags: [tag],
    summary,
    security: CREDENTIALS,
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: reference(body) } } } }),
    responses: {
      [status]: answered(STATUS_CODES[status] ?? '', 'application/json', answer),
      ...Object.fromEntries(given.map((code) => [code, problem(code)])),
    },
  };
}

function problem(status: number): Json {
  return answered(STATUS_CODES[status] ?? '', 'application/problem+json', problemSchema);
}

function answered(description: string, type: string, schema: z.ZodType | undefined): Json {
  return schema === undefined
    ? { description }
    : { description, content: { [type]: { schema: reference(schema) } } };
}

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined): readonly Json[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const { description, ...rest } = plain(schema);
    return {
      name,
      in: 'query',
      required: false,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** By its name, when it has one. */
function reference(schema: z.ZodType): Json {
  const name = Object.entries(SCHEMAS).find(([, known]) => known === schema)?.[0];
  return name === undefined ? plain(schema) : { $ref: `#/components/schemas/${name}` };
}

function plain(schema: z.core.$ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function namedSchemas(): Json {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...rest }]) => [name, rest]),
  );
}

function text(summary: string, type = 'text/plain', more: Json = {}): Json {
  return {
    summary,
    responses: { 200: { description: 'OK', content: { [type]: { schema: { type: 'string' } } } }, ...more },
  };
}

function jsonDocument(summary: string): Json {
  return {
    summary,
    responses: {
      200: { description: 'OK', content: { 'application/json': { schema: { type: 'object' } } } },
    },
  };
}

/** A stream of Server-Sent Events. */
function events(summary: string, path = ''): Json {
  return {
    ...text(
      summary,
      'text/event-stream',
      Object.fromEntries([400, 401, 403].map((code) => [code, problem(code)])),
    ),
    parameters: pathParameters(path),
  };
}

/** `true`, or a sentence, as plain text. */
function plainAnswer(summary: string): Json {
  const plainText = { content: { 'text/plain': { schema: { type: 'string' } } } };
  const problems = [400, 401, 403, 413, 415, 429].map((code) => [
    code,
    { description: STATUS_CODES[code], ...plainText },
  ]);
  return { ...text(summary, 'text/plain', Object.fromEntries(problems)), security: CREDENTIALS };
}

/** What everybody may ask. */
const PUBLIC_PATHS: Readonly<Record<string, Record<string, Json>>> = {
  '/': {
    get: {
      summary: 'Says what this is',
      responses: {
        200: {
          description: 'OK',
          content: {
            'text/html': { schema: { type: 'string' } },
            'application/json': {
              schema: {
                type: 'object',
                required: ['name', 'version', 'links'],
                properties: {
                  name: { type: 'string' },
                  version: { type: 'string' },
                  links: { type: 'object', additionalProperties: { type: 'string', format: 'uri' } },
                },
              },
            },
          },
        },
      },
    },
    post: {
      summary:
        'Subscribe, unsubscribe, publish, register: a form, or content with ?hub.mode=publish&hub.topic=…',
      requestBody: {
        content: { 'application/x-www-form-urlencoded': { schema: { type: 'object' } }, '*/*': {} },
      },
      responses: {
        202: {
          description:
            'Accepted; a subscription is told its status address, a publication its Hub-Cursor, a channel its endpoint',
          content: {
            'text/plain': { schema: { type: 'string' } },
            'application/json': {
              schema: {
                type: 'object',
                properties: { 'hub.channel.endpoint': { type: 'string', format: 'uri' } },
              },
            },
          },
        },
        ...Object.fromEntries(
          [400, 401, 403, 413, 415, 429, 503, 507].map((code) => [
            code,
            { description: STATUS_CODES[code], content: { 'text/plain': { schema: { type: 'string' } } } },
          ]),
        ),
      },
    },
  },
  '/healthz': { get: text('Alive') },
  '/readyz': { get: text('Ready', 'text/plain', { 503: { description: 'Starting or stopping' } }) },
  '/metrics': { get: text('Prometheus metrics') },
  '/status/{request}': {
    get: {
      summary: 'What became of a request to subscribe; its address is in the answer to it',
      parameters: pathParameters('{request}'),
      responses: {
        200: {
          description: 'OK',
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/Status' } },
            'text/html': { schema: { type: 'string' } },
          },
        },
        404: problem(404),
        429: { description: STATUS_CODES[429], content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
  },
  '/api/v1/events': {
    get: {
      summary:
        'Events as with Zaikio Loom, a hundred on a page; their number is in Total-Count, the other pages in Link',
      security: CREDENTIALS,
      parameters: ['filter[name]', 'filter[from]', 'filter[to]', 'page'].map((name) => ({
        name,
        in: 'query',
        required: false,
        schema: { type: 'string' },
      })),
      responses: {
        200: answered('OK', 'application/json', z.array(loomEventSchema)),
        401: problem(401),
        422: answered(STATUS_CODES[422] ?? '', 'application/json', loomErrorsSchema),
        429: { description: STATUS_CODES[429], content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
    post: {
      summary: 'Publishes an event, as with Zaikio Loom',
      security: CREDENTIALS,
      requestBody: { content: { 'application/json': { schema: reference(newLoomEventSchema) } } },
      responses: {
        201: answered('Created', 'application/json', loomEventSchema),
        ...Object.fromEntries([400, 401, 403, 413, 415].map((code) => [code, problem(code)])),
        422: answered(STATUS_CODES[422] ?? '', 'application/json', loomErrorsSchema),
        429: { description: STATUS_CODES[429], content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
  },
  '/v1/c/{token}': {
    get: {
      summary: 'Updates of a WebSub channel over Server-Sent Events; 204 for who was told that it has ended',
      parameters: pathParameters('/v1/c/{token}'),
      responses: {
        200: { description: 'OK', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        204: { description: 'The channel has ended' },
        426: problem(426),
      },
    },
  },
  '/sse/{target}': {
    get: events('Updates of a walt.id target: the session, by the name of the event', '/sse/{target}'),
  },
  ...Object.fromEntries(
    WALLET_PATHS.map((path) => path.replaceAll(/:(\w+)/g, '{$1}')).map((path) => [
      path,
      { get: events('The one event of a wallet that is waited for, as with Waypoint', path) },
    ]),
  ),
  '/push_events': {
    post: {
      ...plainAnswer('Stores events for clients of notifier, and gives them to those who are connected'),
      requestBody: {
        content: { 'application/json': { schema: { $ref: '#/components/schemas/PushedEvents' } } },
      },
    },
  },
  '/drop_user': {
    post: {
      ...plainAnswer('Ends the connections of a client of notifier'),
      requestBody: {
        content: { 'application/json': { schema: { $ref: '#/components/schemas/DroppedUser' } } },
      },
    },
  },
  '/clients': {
    get: {
      ...text('Names the clients of notifier that are connected', 'text/plain', {
        401: problem(401),
        403: problem(403),
      }),
      security: CREDENTIALS,
    },
  },
  '/verification-session/{id}/events': {
    get: events('Updates of a walt.id session', '/verification-session/{id}/events'),
  },
  '/issuer2/sessions/{id}/events': {
    get: events('Updates of a walt.id session', '/issuer2/sessions/{id}/events'),
  },
  '/issuer2/events': { get: events('Updates of the walt.id target issuer2') },
  '/v1/openapi.json': { get: jsonDocument('This document') },
  '/v1/asyncapi.json': {
    get: jsonDocument('The AsyncAPI document of what is said over WebSocket and Server-Sent Events'),
  },
};
