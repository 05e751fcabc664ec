import { IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';
import { lastAnswerOn } from './last-answer.js';

/** What requests and answers are made as. */
export interface MessageKinds {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
}

export interface MessageKindsOptions {
  readonly app: Express;
  /** Whether the connection of a request is to be handed over, as that of a client who wants another protocol is. */
  readonly takesOver: (request: IncomingMessage) => boolean;
}

/**
 * Requests and answers that are what express makes of them, for a server to make them so. Express gives each another
 * prototype, and then V8 keeps 1 KB about the shape of each as long as it lives. To give it the prototype that it has
 * changes nothing.
 */
export function messageKindsOf({ app, takesOver }: MessageKindsOptions): MessageKinds {
  class HubRequest extends IncomingMessage {
    declare private asksForUpgrade: boolean | null;
    declare private isHandedOver: boolean | undefined;

    /** Node says here whether the client wants another protocol. */
    set upgrade(asksForUpgrade: boolean | null) {
      this.asksForUpgrade = asksForUpgrade;
    }

    /**
     * Here it asks whether to hand the connection over. Behind an answer under way that cannot be yet, and need not: a
     * server may ignore the wish for another protocol (RFC 9110 §7.8).
     */
    get upgrade(): boolean {
      return (this.isHandedOver ??= (this.asksForUpgrade === true || takesOver(this)) && this.isNext());
    }

    /** Node takes the connection from an answer a little after all of it has gone. */
    private isNext(): boolean {
      const last = lastAnswerOn(this.socket);
      return last === undefined || (last.writableFinished && last.socket === null);
    }
  }

  class HubResponse<Request extends IncomingMessage> extends ServerResponse<Request> {}

  Object.setPrototypeOf(HubRequest.prototype, app.request);
  Object.setPrototypeOf(HubResponse.prototype, app.response);
  Object.assign(app, { request: HubRequest.prototype, response: HubResponse.prototype });
  return { IncomingMessage: HubRequest, ServerResponse: HubResponse };
}
