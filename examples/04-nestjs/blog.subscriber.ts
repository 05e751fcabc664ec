import { SubscriberService, type Notification } from '@websub/subscriber';
import { Titles } from './titles.js';

/** A provider like any other: Nest makes it and injects into it. The decorator makes it a subscriber. */
@SubscriberService({
  target: [process.env['HUB'] ?? 'https://hub.example/', 'https://blog.example/feed'],
  path: '/blog',
  unsubscribeOnShutdown: true,
})
export class BlogSubscriber {
  constructor(private readonly titles: Titles) {}

  onEventNotification(notification: Notification): void {
    const title = /<entry>\s*<title>([^<]*)/.exec(notification.text())?.[1];
    if (title !== undefined) this.titles.all.push(title);
  }
}
