import type { RequestHandler } from 'express';
import { sendPlain, sendProblem } from './problem.js';

/** What Rails answers whoever may not connect. */
export const PAGE_NOT_FOUND = 'Page not found';

/** Answers whoever asks over HTTP where WebSocket is spoken. */
export const upgradeRequired: RequestHandler = (request, response) => {
  response.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
  sendProblem(response, 426, `WebSocket is spoken at ${request.path}: connect with ws:// or wss://`);
};

/** The same, where nobody is told. */
export const notFound: RequestHandler = (_request, response) => sendPlain(response, 404, PAGE_NOT_FOUND);
