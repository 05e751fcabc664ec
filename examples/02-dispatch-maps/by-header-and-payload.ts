import { SubscriberService, TOPIC_ID_HEADER_AND_PAYLOAD, type Notification } from '@websub/subscriber';
import { IssueOpenedEvent } from './events.js';

/** Both together say it; what they do not name goes by the header alone, then by the payload alone. */
@SubscriberService({
  path: '/by-both',
  topicIdentifier: TOPIC_ID_HEADER_AND_PAYLOAD,
  topicHeader: 'X-Event',
  headerAndPayloadKeyResourceMap: {
    issueOpened: { openedBy: { ada: ['onOpenedByAda', IssueOpenedEvent] } },
  },
  headerResourceMap: { issueOpened: ['onIssueOpened', IssueOpenedEvent] },
  payloadKeyResourceMap: { action: { assigned: ['onAssigned'] } },
})
export class IssuesByHeaderAndPayload {
  onOpenedByAda(_notification: Notification, opened: IssueOpenedEvent): void {
    console.log(`  by both     Ada herself: ${opened.title}`);
  }

  onIssueOpened(_notification: Notification, opened: IssueOpenedEvent): void {
    console.log(`  by both     somebody: ${opened.title}`);
  }

  /** An entry without a type gives the payload as it was parsed. */
  onAssigned(_notification: Notification, payload: unknown): void {
    console.log(`  by both     ${JSON.stringify(payload)}`);
  }
}
