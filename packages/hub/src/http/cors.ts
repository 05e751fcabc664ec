import type { RequestHandler } from 'express';

const METHODS = 'GET, HEAD, QUERY, POST, DELETE';
const HEADERS = 'Authorization, Cache-Control, Content-Type, Last-Event-ID, X-Api-Key';
const EXPOSED = 'Hub-Stream, Hub-Cursor, Hub-Gap, Retry-After';
const PREFLIGHT_SECONDS = '7200';

/**
 * Lets pages of these origins read the answers (`*`: of any), and answers their preflights. No cookie ever counts here, so that
 * nobody reads in the name of a visitor.
 */
export function cors(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins);
  return (request, response, next) => {
    const origin = request.get('origin');
    if (!allowed.has('*')) response.vary('Origin');
    if (origin !== undefined && (allowed.has('*') || allowed.has(origin))) {
      response.set({
        'Access-Control-Allow-Origin': allowed.has('*') ? '*' : origin,
        'Access-Control-Expose-Headers': EXPOSED,
      });
      if (request.method === 'OPTIONS') {
        response.set({
          'Access-Control-Allow-Methods': METHODS,
          'Access-Control-Allow-Headers': HEADERS,
          'Access-Control-Max-Age': PREFLIGHT_SECONDS,
        });
      }
    }
    if (request.method === 'OPTIONS') response.set('Allow', METHODS).status(204).end();
    else next();
  };
}
