/* A hub, a blog and a Nest application that follows it. With --keep it stays up until SIGTERM or Ctrl-C. */
import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import { createHub } from '@websub/hub';
import { createPublisher } from '@websub/publisher';
import { SubscriberListener } from '@websub/subscriber';
import { WebSubModule } from '@websub/subscriber/nest';

const hub = await createHub({ dev: true, port: 0, data: ':memory:' });
process.env['HUB'] = hub.url;
const { AppModule } = await import('./app.module.js');

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
app
  .get(SubscriberListener)
  .on('verified', ({ topic }) => console.log(`subscribed to ${topic}`))
  .on('unsubscribed', ({ topic }) => console.log(`unsubscribed from ${topic}`));
const activated = once(hub.events, 'subscription-activated');
await app.listen(0, '127.0.0.1');
await app.get(WebSubModule).started;
await activated;
const url = await app.getUrl();

const publisher = createPublisher({ hub: hub.url });
for (const title of ['Fog from the west', 'A sail on the horizon']) {
  const feed = `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>${title}</title></entry></feed>`;
  const delivered = once(hub.events, 'entry-delivered');
  await publisher.publish('https://blog.example/feed', feed, { contentType: 'application/atom+xml' });
  await delivered;
}
await fetch(`${url}/titles`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"title":"Written by hand"}',
});
console.log(`GET ${url}/titles\n${await (await fetch(`${url}/titles`)).text()}`);
await publisher.close();

if (process.argv.includes('--keep')) {
  console.log('it stays up; Ctrl-C ends it');
} else {
  await app.close();
  await hub.stop();
}
