import type { IncomingMessage, RequestListener } from 'node:http';
import { sendPlain } from './problem.js';
import { MOST_HEADERS } from './server.js';

export interface FrontDoorOptions {
  /** `POST /`: what publishers and subscribers ask of the hub. */
  readonly endpoint: RequestListener;
  /** Everything else, in as many routes as it takes. */
  readonly app: RequestListener;
}

/**
 * Where every request comes in. Those to the hub's endpoint take a short road: finding one's way through the routes of express
 * and what it adds to a request cost three times as much as publishing does.
 */
export function frontDoor({ endpoint, app }: FrontDoorOptions): RequestListener {
  return (request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    const objection = objectionTo(request);
    if (objection !== undefined) sendPlain(response, objection.status, objection.sentence);
    else if (isForEndpoint(request)) endpoint(request, response);
    else app(request, response);
  };
}

interface Objection {
  readonly status: number;
  /** Ends with the cure. */
  readonly sentence: string;
}

function objectionTo(request: IncomingMessage): Objection | undefined {
  const { url = '', rawHeaders, headers, httpVersion } = request;
  if (rawHeaders.length / 2 > MOST_HEADERS)
    return { status: 431, sentence: `more than ${MOST_HEADERS} headers: send fewer` };
  if (headers.host === undefined && httpVersion === '1.1')
    return { status: 400, sentence: 'the Host header is missing: send the name of the hub' };
  // Express would answer that there is no such page, in HTML.
  if (!url.startsWith('/') && url !== '*' && !URL.canParse(url))
    return { status: 400, sentence: 'what is asked for is neither a path nor a URL: send the path' };
  return namesHostTwice(rawHeaders)
    ? { status: 400, sentence: 'the Host header is given more than once: send it once' }
    : undefined;
}

/** Node keeps the first of several; a proxy in front may have taken the last. */
function namesHostTwice(rawHeaders: readonly string[]): boolean {
  let seen = 0;
  for (let nth = 0; nth < rawHeaders.length; nth += 2)
    if (rawHeaders[nth]!.length === 4 && rawHeaders[nth]!.toLowerCase() === 'host') seen += 1;
  return seen > 1;
}

/** As most write it: whoever gives a whole URL, as to a proxy, comes to the same endpoint by the routes. */
function isForEndpoint({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && (url === '/' || url.startsWith('/?'));
}
