/* A hub, a blog and an express app that follows it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createHub } from '@websub/hub';
import { createPublisher } from '@websub/publisher';
import { createApp } from './app.js';
import { Blog } from './blog.js';

const TOPIC = 'https://blog.example/feed';
const hub = await createHub({ dev: true, port: 0, data: ':memory:' });

const blog = new Blog();
// Yours is a string, such as 'https://me.example'; here the port is free to be any.
const { app, listener } = createApp(blog, () => url);
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
await listener.attachWithConfig(blog, { target: [hub.url, TOPIC] });
const activated = once(hub.events, 'subscription-activated');
await listener.start();
await activated;
console.log(`the app listens at ${url} and has subscribed`);

const publisher = createPublisher({ hub: hub.url });
for (const title of ['Fog from the west', 'A sail on the horizon']) {
  const feed = `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>${title}</title></entry></feed>`;
  const delivered = once(hub.events, 'entry-delivered');
  await publisher.publish(TOPIC, feed, { contentType: 'application/atom+xml' });
  await delivered;
}
console.log(`GET /titles   ${await (await fetch(`${url}/titles`)).text()}`);

const post = await fetch(`${url}/titles`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"title":"Written by hand"}',
});
console.log(`POST /titles  ${post.status}, as before`);
console.log(`GET /titles   ${await (await fetch(`${url}/titles`)).text()}`);

await listener.gracefulStop();
server.close();
await publisher.close();
await hub.stop();
