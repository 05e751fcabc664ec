import { WebSocket } from 'ws';

/** An event as notifier sends it, in a list. */
export interface Event {
  readonly accessid: string;
  readonly created_at: number;
  readonly payload: string;
}

/** An app on a phone, which remembers the time of the last event that it was given. */
export class Phone {
  readonly #accessId: string;
  readonly #tell: (what: string) => void;
  #seen = 0;
  #socket: WebSocket | undefined;
  #waiting: (() => void) | undefined;

  constructor(accessId: string, tell: (what: string) => void) {
    this.#accessId = accessId;
    this.#tell = tell;
  }

  /** Connects, and says who it is and what it has. Settles when the announcement has left. */
  online(hub: string): Promise<void> {
    const socket = new WebSocket(`${hub.replace(/^http/, 'ws')}subscribe_to_events`);
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#read(JSON.parse(data.toString()) as Event[]));
    socket.on('close', (code, reason) => {
      if (code !== 1006 && code !== 1005) this.#tell(`was sent away: ${code} "${reason.toString()}"`);
      this.#waiting?.();
    });
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => {
        const announcement = { access_id: this.#accessId, timestamp: this.#seen + 1 };
        this.#tell(`announces itself: ${JSON.stringify(announcement)}`);
        socket.send(JSON.stringify(announcement), () => resolve());
      });
    });
  }

  offline(): void {
    this.#socket?.terminate();
    this.#tell('is in a tunnel');
  }

  /** Settles with the next thing that happens to it. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #read(events: readonly Event[]): void {
    for (const { created_at, payload } of events) {
      this.#seen = created_at;
      this.#tell(`is given ${created_at} “${payload}”`);
    }
    this.#waiting?.();
  }
}
