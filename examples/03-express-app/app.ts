import express, { type Express } from 'express';
import { SubscriberListener, type ListenerOptions } from '@websub/subscriber';
import type { Blog } from './blog.js';

/** An app as you have it already, and a subscriber in it. */
export function createApp(
  blog: Blog,
  publicUrl: NonNullable<ListenerOptions['publicUrl']>,
): { readonly app: Express; readonly listener: SubscriberListener } {
  const app = express();
  // Before the body parsers: the signature is over the bytes as they came.
  const listener = new SubscriberListener(app, { publicUrl });
  app.use(express.json());
  app.get('/titles', (_request, response) => void response.json(blog.titles));
  app.post('/titles', (request, response) => {
    const { title } = request.body as { title: string };
    response.status(201).json(blog.titles.push(title));
  });
  return { app, listener };
}
