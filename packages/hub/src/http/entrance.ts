import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { may } from '../access/grant.js';
import type { Entrance } from '../gate/gate.js';
import { sendProblem } from './problem.js';

/** Settles with who asks; never rejects. */
export type Admit = (request: IncomingMessage) => Promise<Entrance>;

/** Why somebody is not given what he asked for: it needs another credential, or another time. */
export interface EntranceRefusal {
  readonly status: number;
  /** A sentence that ends with the cure. */
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TRY_AGAIN_SECONDS = '10';

/** What whoever came in this way is answered when it is not enough. `what` begins the sentence: "publishing content". */
export function refusalOf(entrance: Entrance, what: string): EntranceRefusal {
  switch (entrance.kind) {
    case 'anybody': {
      const detail = `${what} needs a credential here: send Authorization: Bearer KEY`;
      return { status: 401, detail, headers: { 'WWW-Authenticate': 'Bearer' } };
    }
    case 'refused': {
      const detail = `${what} needs a credential that is good here: ${entrance.reason}`;
      return { status: 401, detail, headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } };
    }
    case 'admitted': {
      const detail = `${what} is not among what this credential allows: use another one`;
      return { status: 403, detail, headers: {} };
    }
    case 'unavailable': {
      const detail = `${what} needs a credential, and ${entrance.reason}: try again later`;
      return { status: 503, detail, headers: { 'Retry-After': TRY_AGAIN_SECONDS } };
    }
  }
}

export function sendRefusal(
  send: (response: ServerResponse, status: number, sentence: string) => void,
  response: ServerResponse,
  { status, detail, headers }: EntranceRefusal,
): void {
  response.setHeaders(new Map(Object.entries(headers)));
  send(response, status, detail);
}

/** Lets nobody through who may not manage. `closed`: there is no admin key, so that only an API key could open it. */
export function requireManager(admit: Admit, closed: boolean): RequestHandler {
  return async (request, response, next) => {
    const entrance = await admit(request);
    if (may(entrance.grant, 'manage')) next();
    else if (closed && entrance.kind !== 'admitted') {
      sendProblem(
        response,
        403,
        'the management API is closed: start the hub with --admin-key, or with --dev',
      );
    } else sendRefusal(sendProblem, response, refusalOf(entrance, 'the management API'));
  };
}
