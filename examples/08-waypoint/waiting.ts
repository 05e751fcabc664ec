import { EventSource } from 'eventsource';

/** An event of a wallet, as Waypoint gives it. */
export interface WalletEvent {
  readonly wallet_id: string;
  readonly topic: string;
  readonly group_id: string | null;
  readonly payload: { readonly state: string; readonly connection_id: string };
}

/** Waits for one event, with a client that knows nothing of the hub. */
export class Waiting {
  /** Settles with the event. */
  readonly event: Promise<WalletEvent>;
  /** Settles when the client has stopped by itself, with what each of its requests was answered. */
  readonly stopped: Promise<readonly number[]>;

  constructor(url: string, key: string) {
    const statuses: number[] = [];
    const source = new EventSource(url, {
      fetch: async (input, init) => {
        const response = await fetch(input, { ...init, headers: { ...init.headers, 'x-api-key': key } });
        statuses.push(response.status);
        return response;
      },
    });
    this.event = new Promise((resolve) => {
      source.addEventListener('message', ({ data }: { data: string }) =>
        resolve(JSON.parse(data) as WalletEvent),
      );
    });
    this.stopped = new Promise((resolve) => {
      source.addEventListener('error', () => {
        if (source.readyState === source.CLOSED) resolve(statuses);
      });
    });
  }
}
