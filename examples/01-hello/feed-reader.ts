import { SubscriberService, type Notification } from '@websub/subscriber';

/** What arrived, as the demo shows it. */
export interface Arrival {
  readonly title: string;
  readonly bytes: number;
  readonly contentType: string;
  readonly signature: string;
}

/** A subscriber is a class with a decorator. It subscribes by itself when its listener starts. */
@SubscriberService({ leaseSeconds: 86_400 })
export class FeedReader {
  readonly #onArrival: (arrival: Arrival) => void;

  constructor(onArrival: (arrival: Arrival) => void) {
    this.#onArrival = onArrival;
  }

  onEventNotification(notification: Notification): void {
    const newest = /<entry>\s*<title>([^<]*)/.exec(notification.text())?.[1] ?? '(no entry)';
    this.#onArrival({
      title: newest,
      bytes: notification.raw.byteLength,
      contentType: notification.contentType,
      signature: notification.signature,
    });
  }
}
