import { SubscriberService, TOPIC_ID_PAYLOAD_KEY, type Notification } from '@websub/subscriber';
import { IssueAssignedEvent, IssueOpenedEvent } from './events.js';

/** The value of a key in the JSON payload says it. A key with dots is a path: `issue.state`. */
@SubscriberService({
  path: '/by-payload',
  topicIdentifier: TOPIC_ID_PAYLOAD_KEY,
  payloadKeyResourceMap: {
    action: {
      opened: ['onIssueOpened', IssueOpenedEvent],
      assigned: ['onIssueAssigned', IssueAssignedEvent],
    },
  },
})
export class IssuesByPayload {
  onIssueOpened(_notification: Notification, opened: IssueOpenedEvent): void {
    console.log(`  by payload  Issue opened by ${opened.openedBy}`);
  }

  onIssueAssigned(_notification: Notification, assigned: IssueAssignedEvent): void {
    console.log(`  by payload  ${assigned.assignedTo} has more to do`);
  }
}
