import { createCable } from '@anycable/core';
import { WebSocket } from 'ws';
import type { JobEvent } from './press.js';

export interface OfficeOptions {
  readonly url: string;
  readonly token: string;
  readonly onJob: (event: JobEvent) => void;
}

/** A screen in the office, with AnyCable's client: it knows itself where it stands, and comes back by itself. */
export class Office {
  readonly #cable: ReturnType<typeof createCable>;
  /** Settles when it is connected for the first time. */
  readonly connected: Promise<void>;

  constructor({ url, token, onJob }: OfficeOptions) {
    this.#cable = createCable(url, {
      protocol: 'actioncable-v1-ext-json',
      websocketImplementation: WebSocket,
      websocketAuthStrategy: 'sub-protocol',
      auth: { token },
      // For this demonstration; by itself it waits for some seconds.
      reconnectStrategy: () => 200,
    });
    const channel = this.#cable.subscribeTo('EventChannel', { events: '*' });
    channel.on('message', (event) => onJob(event as unknown as JobEvent));
    this.connected = channel.ensureSubscribed();
  }

  close(): void {
    this.#cable.disconnect();
  }
}
