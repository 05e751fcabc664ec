/* The whole of WebSub in one process: a hub, a publisher and a subscriber, over real sockets. `--keep` stays up. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub } from '@websub/hub';
import { createPublisher } from '@websub/publisher';
import { discover, SubscriberListener } from '@websub/subscriber';
import { FeedReader, type Arrival } from './feed-reader.js';
import { startFeedServer } from './feed-server.js';
import { Story } from './story.js';

const LOCAL = { allowPrivateNetworks: true };
const UPDATES = [
  ['Fog from the west', 'Lamp lit at noon.'],
  ['A sail on the horizon', 'Two masts, flag unknown.'],
  ['The supply boat landed', 'Oil, flour, letters.'],
] as const;

const story = new Story();
const folder = await mkdtemp(join(tmpdir(), 'websub-hello-'));

story.title('1 · A hub, a publisher, a subscriber');
const hub = await createHub({ dev: true, port: 0, data: join(folder, 'hub') });
story.tell('hub', `listens at ${hub.url}`, 'data in a temporary folder');
const site = await startFeedServer(folder, hub.url);
story.tell('publisher', `serves ${site.feedUrl}`, 'an Atom feed that names the hub');

story.title('2 · The subscriber finds the hub and subscribes by itself');
const found = await discover(site.feedUrl, { http: LOCAL });
story.tell('subscriber', `discovered ${found.hubs.join(', ')}`, `by ${found.via}`);
hub.events.on('subscription-requested', () =>
  story.tell('hub', 'accepted the subscription', '202, verification follows'),
);
hub.events.on('subscription-activated', ({ leaseSeconds }) => {
  story.tell('hub', 'the callback echoed the challenge', `verified, lease ${leaseSeconds} s`);
});

const arrived = new EventTarget();
let arrival: Arrival | undefined;
const reader = new FeedReader((content) => {
  arrival = content;
  arrived.dispatchEvent(new Event('arrival'));
});
const listener = new SubscriberListener(0, { host: '127.0.0.1' });
const service = await listener.attachWithConfig(reader, {
  target: { resource: site.feedUrl },
  httpConfig: LOCAL,
});
const activated = once(hub.events, 'subscription-activated');
await listener.start();
await service.verified({ timeoutMs: 10_000 });
await activated;

story.title('3 · The feed changes, the publisher pings, the subscriber is told');
hub.events.on('topic-fetched', ({ changed, status }) =>
  story.tell('hub', 'fetched the feed', `${status}, ${changed ? 'changed' : 'unchanged'}`),
);
hub.events.on('entry-appended', ({ cursor, bytes }) =>
  story.tell('hub', 'stored it', `cursor ${cursor}, ${bytes} bytes`),
);
const publisher = createPublisher({ hub: hub.url });
for (const [title, summary] of UPDATES) {
  await site.addEntry(title, summary);
  const arriving = once(arrived, 'arrival');
  story.start();
  await publisher.ping(site.feedUrl);
  story.tell('publisher', `changed the feed and pinged the hub`, 'one POST');
  await arriving;
  if (arrival !== undefined) {
    story.tell(
      'subscriber',
      `got “${arrival.title}”`,
      `${arrival.bytes} bytes, ${arrival.contentType}, signature ${arrival.signature}`,
    );
    story.say('');
  }
}

story.title('What to try next');
story.say(`  npm start -- --dev            a hub of your own at http://127.0.0.1:8080/
  npm run demo -- --keep        this demo, left running for you to poke at
  examples/01-hello             the code that you just saw: start with feed-reader.ts
  README.md                     subscribe from your own class, publish from your own site
`);

if (process.argv.includes('--keep')) {
  story.say(`  It stays up until you press Ctrl-C. Ping it yourself:

    curl ${hub.url} -d hub.mode=publish -d hub.url=${site.feedUrl}
    curl ${hub.url}v1/subscriptions
`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
await listener.gracefulStop();
await publisher.close();
site.close();
await hub.stop();
await rm(folder, { recursive: true });
