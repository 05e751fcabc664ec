import { IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';
import type { Express } from 'express';

/** What requests and answers are made as. */
export type MessageKinds = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Requests and answers that are what express makes of them, for a server to make them so. Express gives each another
 * prototype, and then V8 keeps 1 KB about the shape of each as long as it lives: a stream lives long. To give it the
 * prototype that it has changes nothing.
 */
export function messageKindsOf(app: Express): MessageKinds {
  class HubRequest extends IncomingMessage {}
  class HubResponse<Request extends IncomingMessage> extends ServerResponse<Request> {}
  Object.setPrototypeOf(HubRequest.prototype, app.request);
  Object.setPrototypeOf(HubResponse.prototype, app.response);
  Object.assign(app, { request: HubRequest.prototype, response: HubResponse.prototype });
  return { IncomingMessage: HubRequest, ServerResponse: HubResponse };
}
