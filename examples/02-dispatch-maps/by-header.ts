import { SubscriberService, TOPIC_ID_HEADER, type Notification } from '@websub/subscriber';
import { IssueAssignedEvent, IssueOpenedEvent } from './events.js';

/** The value of a header says which method takes a notification, and as what. */
@SubscriberService({
  path: '/by-header',
  topicIdentifier: TOPIC_ID_HEADER,
  topicHeader: 'X-Event',
  headerResourceMap: {
    issueOpened: ['onIssueOpened', IssueOpenedEvent],
    issueAssigned: ['onIssueAssigned', IssueAssignedEvent],
  },
})
export class IssuesByHeader {
  onIssueOpened(_notification: Notification, opened: IssueOpenedEvent): void {
    console.log(`  by header   Issue opened: ID: ${opened.id}, Title: ${opened.title}`);
  }

  onIssueAssigned(_notification: Notification, assigned: IssueAssignedEvent): void {
    console.log(`  by header   Issue ID ${assigned.id} assigned to ${assigned.assignedTo}`);
  }

  /** Takes what the table does not name. Ballerina had no such method beside a table. */
  onEventNotification(notification: Notification): void {
    console.log(`  by header   something else: ${notification.text()}`);
  }
}
