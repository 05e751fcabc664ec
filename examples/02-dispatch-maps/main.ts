/* The issue tracker of Ballerina's documentation: one topic, three services, each with a dispatch map of another kind. */
import { on } from 'node:events';
import { createHub } from '@websub/hub';
import { createPublisher } from '@websub/publisher';
import { SubscriberListener } from '@websub/subscriber';
import { IssuesByHeader } from './by-header.js';
import { IssuesByHeaderAndPayload } from './by-header-and-payload.js';
import { IssuesByPayload } from './by-payload.js';

const TOPIC = 'https://tracker.example/issues';
const UPDATES = [
  ['issueOpened', { action: 'opened', id: 1, title: 'It is slow', openedBy: 'grace' }],
  ['issueAssigned', { action: 'assigned', id: 1, assignedTo: 'ada' }],
  ['issueOpened', { action: 'opened', id: 2, title: 'It is faster than light', openedBy: 'ada' }],
  ['issueMoved', { action: 'assigned', id: 2, assignedTo: 'grace' }],
] as const;

const hub = await createHub({ dev: true, port: 0, data: ':memory:' });
const listener = new SubscriberListener(0);
const services = [new IssuesByHeader(), new IssuesByPayload(), new IssuesByHeaderAndPayload()];
for (const service of services) await listener.attachWithConfig(service, { target: [hub.url, TOPIC] });
const activated = on(hub.events, 'subscription-activated');
await listener.start();
for (const _ of services) await activated.next();

const publisher = createPublisher({ hub: hub.url });
const delivered = on(hub.events, 'entry-delivered');
for (const [event, issue] of UPDATES) {
  console.log(`\nX-Event: ${event}  ${JSON.stringify(issue)}`);
  await publisher.publish(TOPIC, issue, { headers: { 'X-Event': event } });
  for (const _ of services) await delivered.next();
}

await listener.gracefulStop();
await publisher.close();
await hub.stop();
