import { SubscriberService, type Notification } from '@websub/subscriber';

/** Follows a blog, and remembers the titles of its posts. */
@SubscriberService({ path: '/blog' })
export class Blog {
  readonly titles: string[] = [];

  onEventNotification(notification: Notification): void {
    const title = /<entry>\s*<title>([^<]*)/.exec(notification.text())?.[1];
    if (title !== undefined) this.titles.push(title);
  }
}
