import { WebSocket } from 'ws';

/** A job as Mission Control announces it. */
export interface JobEvent {
  readonly id: string;
  readonly name: string;
  readonly payload: { readonly job: string };
}

export interface PressOptions {
  readonly url: string;
  readonly token: string;
  readonly onJob: (event: JobEvent) => void;
}

const IDENTIFIER = JSON.stringify({
  channel: 'EventChannel',
  events: 'mission_control.job_added,mission_control.job_moved',
  // What the documentation of Loom does not know: the hub keeps the place of this one, as it acknowledges.
  consumer: 'press-7',
  ack: 'explicit',
  // It wants to hear what became of that.
  control: true,
});

interface Told {
  readonly type?: string;
  readonly message?: JobEvent | { readonly $hub: string };
}

/** A printing press behind a firewall: the program of Loom's documentation, which also says what it has done. */
export class Press {
  readonly #ws: WebSocket;
  readonly #waiting: (() => void)[] = [];
  /** Settles when it has subscribed. */
  readonly subscribed: Promise<void>;
  /** Settles when it is off the network. */
  readonly gone: Promise<void>;

  constructor({ url, token, onJob }: PressOptions) {
    const ws = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
    this.#ws = ws;
    ws.on('error', (error) => console.error(error.message));
    ws.on('open', () => this.#send({ command: 'subscribe' }));
    this.gone = new Promise((resolve) => ws.on('close', () => resolve()));
    this.subscribed = new Promise((resolve) => {
      ws.on('message', (data: Buffer) => {
        const { type, message } = JSON.parse(data.toString()) as Told;
        if (type === 'confirm_subscription') resolve();
        if (type !== undefined || message === undefined) return;
        if (!('$hub' in message)) onJob(message);
        else if (message.$hub === 'acked') this.#waiting.shift()?.();
      });
    });
  }

  /** The job is printed, and those before it. Settles when the hub will never tell of them again. */
  done({ id }: JobEvent): Promise<void> {
    this.#perform({ action: 'ack', id });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Wants to be told once more, from so many events back. */
  rewind(last: number): void {
    this.#perform({ action: 'rewind', last });
  }

  /** Somebody pulls the plug. */
  switchOff(): void {
    this.#ws.terminate();
  }

  #perform(action: object): void {
    this.#send({ command: 'message', data: JSON.stringify(action) });
  }

  #send(command: object): void {
    this.#ws.send(JSON.stringify({ ...command, identifier: IDENTIFIER }));
  }
}
