import { WebSubError } from '@websub/shared';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { BodyRoom } from '../body-room.js';
import type { EntranceRefusal } from '../entrance.js';
import { jsonOf, requireJson } from '../json-of.js';
import { sendProblem } from '../problem.js';
import { readUtf8 } from '../read-body.js';

/** One thing that the API does: the route and its description are made of it, so that neither says what the other does not. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below `/v1`, with parameters as OpenAPI writes them: `/subscriptions/{id}`. */
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  /** One sentence for people. */
  readonly summary: string;
  /** Whether it needs the right to manage; others see to that themselves. */
  readonly forManagers: boolean;
  readonly query: z.ZodObject | undefined;
  readonly body: z.ZodType | undefined;
  /** 201 tells something that is shown once. */
  readonly status: 200 | 201 | 202 | 204;
  /** What a success looks like; absent with 204. */
  readonly answer: z.ZodType | undefined;
  /** The problems that it may answer besides those of every operation. */
  readonly problems: readonly number[];
  readonly handle: RequestHandler;
}

/** An expected failure, told as problem details. */
export class Problem {
  readonly status: number;
  /** A sentence that ends with the cure. */
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;

  /** What whoever asks is answered when it is not let in, or not at this moment. */
  static of({ status, detail, headers }: EntranceRefusal): Problem {
    return new Problem(status, detail, headers);
  }

  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

interface Input<Query, Body> {
  /** The parameter of the path; empty when it has none. */
  readonly id: string;
  readonly query: Query;
  readonly body: Body;
  /** The body as it came; empty without a schema for it. */
  readonly bytes: Uint8Array;
  readonly request: Request;
}

type Spec<Query extends z.ZodObject, Body extends z.ZodType> = Pick<
  Operation,
  'method' | 'path' | 'id' | 'tag' | 'summary'
> & {
  /** Default true. */
  readonly forManagers?: boolean;
  readonly query?: Query;
  readonly body?: Body;
  /** Default 64 KiB. */
  readonly mostBytes?: number;
  /** For bodies that may be long. Default: there is always room. */
  readonly room?: BodyRoom;
  readonly status?: Operation['status'];
  readonly answer?: z.ZodType;
  readonly problems?: readonly number[];
} & (Running<Query, Body> | Entering<Query, Body>);

/** Settles with the answer, or with a problem. */
type Run<Query extends z.ZodObject, Body extends z.ZodType> = (
  input: Input<z.output<Query>, z.output<Body>>,
) => Promise<unknown>;

interface Running<Query extends z.ZodObject, Body extends z.ZodType> {
  readonly run: Run<Query, Body>;
}

interface Entering<Query extends z.ZodObject, Body extends z.ZodType> {
  /** Settles with what is to be run for whoever asks, or with a problem, before anything of the request is read. */
  readonly enter: (id: string, request: Request) => Promise<Run<Query, Body> | Problem>;
}

const LONGEST_JSON_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array();

/** Describes an operation; its handler checks what comes in by the same schemas. */
export function operation<Query extends z.ZodObject, Body extends z.ZodType>(
  spec: Spec<Query, Body>,
): Operation {
  const { forManagers = true, query, body, status = 200, answer, problems = [] } = spec;
  const { mostBytes = LONGEST_JSON_BYTES } = spec;
  return {
    ...spec,
    forManagers,
    query,
    body,
    status,
    answer,
    problems,
    handle: async (request, response) => {
      const id = String(Object.values(request.params)[0] ?? '');
      const run = 'run' in spec ? spec.run : await spec.enter(id, request);
      if (run instanceof Problem) {
        answerProblem(response, run);
        return;
      }
      const bytes = body === undefined ? NO_BYTES : await readUtf8(request, mostBytes, spec.room);
      const outcome = await run({
        id,
        query: checked<Query>(query, request.query),
        body: checked<Body>(body, body === undefined ? undefined : parseJson(request, bytes)),
        bytes,
        request,
      });
      if (status === 201) response.set('Cache-Control', 'no-store');
      if (outcome instanceof Problem) answerProblem(response, outcome);
      else if (status === 204) response.status(204).end();
      else response.status(status).json(outcome);
    },
  };
}

function answerProblem(response: Response, { status, detail, headers }: Problem): void {
  response.set(headers);
  sendProblem(response, status, detail);
}

/** Throws `invalid_request` with what is wrong. */
function checked<Schema extends z.ZodType>(schema: Schema | undefined, value: unknown): z.output<Schema> {
  // Without a schema nobody looks at what comes out.
  const result = (schema ?? z.unknown()).safeParse(value);
  if (result.success) return result.data as z.output<Schema>;
  const [issue] = result.error.issues;
  throw new WebSubError('invalid_request', complaintOf(issue));
}

function complaintOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'the request is wrong: see /v1/openapi.json';
  if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')} is not known here: leave it out`;
  // The schema says nothing in words of its own, since only programs that read no documentation get here.
  if (issue.message.startsWith('Invalid input'))
    return `${issue.path.join('.') || 'the body'} is not of the form that is asked for: see /v1/openapi.json`;
  return issue.message;
}

/** The body as JSON; without one, an empty object. */
function parseJson(request: Request, body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  requireJson(request);
  return jsonOf(body, 'an object');
}
