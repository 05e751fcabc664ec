import { WebSubError } from '@websub/shared';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { may, type Grant } from '../access/grant.js';
import { NO_TOPIC } from '../access/topic-scope.js';
import type { NotifierClients } from '../bridge/notifier/notifier-clients.js';
import { droppedUser, pushedEvents, textOfEvent } from '../bridge/notifier/notifier-words.js';
import type { OwnTopics } from '../bridge/own-topics.js';
import type { Admission } from '../protocol/admission.js';
import type { Publications } from '../protocol/publication.js';
import { refusalOf, requireManager, sendRefusal, type Admit } from './entrance.js';
import { sendPlain } from './problem.js';
import type { BodyRoom } from './body-room.js';
import { jsonOf, requireJson } from './json-of.js';
import { readUtf8 } from './read-body.js';
import { sendTooMany } from './too-many.js';

export interface NotifierApiOptions {
  readonly ownTopics: OwnTopics;
  readonly clients: NotifierClients;
  readonly publications: Publications;
  readonly admission: Admission | undefined;
  readonly admit: Admit;
  readonly maxBodyBytes: number;
  /** For the content that is received at a time. */
  readonly room: BodyRoom;
  readonly adminKey: string | undefined;
  readonly dev: boolean;
}

const LONGEST_DROP_BYTES = 64 * 1024;

/** The requests of connectors: as with ernius/notifier, but for credentials. */
export const NOTIFIER_PATHS = { push: '/push_events', drop: '/drop_user', clients: '/clients' } as const;

/** `POST /push_events`: stores the events together, and then gives them to who has announced their access ids. */
export function pushEvents(options: NotifierApiOptions): RequestHandler {
  const { ownTopics, publications, maxBodyBytes, room } = options;
  return async (request, response) => {
    const entrance = await options.admit(request);
    const { grant } = entrance;
    const refusal = entrance.kind === 'admitted' ? undefined : options.admission?.client(request.ip ?? '');
    if (refusal !== undefined) {
      sendTooMany(response, refusal);
      return;
    }
    // Before anything is read of somebody who may not.
    const isNobody = grant.scopes.publish === NO_TOPIC;
    const events = isNobody ? [] : await readJson(request, pushedEvents, maxBodyBytes, room);
    const toPublish = events.map((event) => ({
      topic: ownTopics.of('clients', [event.accessid], 'accessid'),
      content: { body: Buffer.from(textOfEvent(event)), contentType: 'application/json' },
      headers: {},
      eventTime: event.created_at,
    }));
    if (isNobody || toPublish.some(({ topic }) => !may(grant, 'publish', topic))) {
      sendRefusal(sendPlain, response, refusalOf(entrance, 'pushing these events'));
      return;
    }
    await publications.publishAll(toPublish);
    sendTrue(response);
  };
}

/** `POST /drop_user`: ends every connection of a client. It may come back. */
export function dropUser(options: NotifierApiOptions): RequestHandler {
  const { ownTopics, clients } = options;
  return async (request, response) => {
    const entrance = await options.admit(request);
    const isNobody = entrance.grant.scopes.register === NO_TOPIC;
    const accessId = isNobody
      ? undefined
      : (await readJson(request, droppedUser, LONGEST_DROP_BYTES)).drop_access_id;
    if (accessId === undefined || !mayDrop(entrance.grant, ownTopics, accessId)) {
      sendRefusal(sendPlain, response, refusalOf(entrance, 'dropping this client'));
      return;
    }
    clients.drop(accessId);
    sendTrue(response);
  };
}

/** Who pushes its events with a credential; in development, anybody. */
function mayDrop(grant: Grant, ownTopics: OwnTopics, accessId: string): boolean {
  return may(grant, 'register', ownTopics.of('clients', [accessId], 'drop_access_id'));
}

/** `GET /clients`: who is connected. */
export function listClients({
  clients,
  admit,
  dev,
  adminKey,
}: NotifierApiOptions): readonly RequestHandler[] {
  return [
    requireManager(admit, !dev && adminKey === undefined),
    (_request, response) => {
      const names = clients.names().map((name) => `${name} `);
      response.type('text/plain').send(`Connected clients:${names.join('')}`);
    },
  ];
}

function sendTrue(response: Response): void {
  response.status(200).type('text/plain').send('true');
}

async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  limit: number,
  room?: BodyRoom,
): Promise<z.output<Schema>> {
  requireJson(request);
  const result = schema.safeParse(jsonOf(await readUtf8(request, limit, room), 'JSON'));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = typeof issue?.path[0] === 'number' ? `event ${issue.path[0] + 1}: ` : '';
  throw new WebSubError('invalid_request', `${place}${issue?.message ?? 'the body is wrong'}`);
}
