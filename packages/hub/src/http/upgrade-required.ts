import type { RequestHandler } from 'express';
import { sendProblem } from './problem.js';

/** Answers whoever asks over HTTP where WebSocket is spoken. */
export const upgradeRequired: RequestHandler = (request, response) => {
  response.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
  sendProblem(response, 426, `WebSocket is spoken at ${request.path}: connect with ws:// or wss://`);
};
