import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { createPublisher, type Publisher, type PublishOptions } from '@websub/publisher';
import { reasonOf } from '@websub/shared/errors';
import { discover } from '../discover/discover.js';
import { CommandFailure, MISUSED } from './failure.js';
import type { PublishFlags } from './publish-command.js';
import { httpOf } from './request-flags.js';
import { print } from './terminal.js';

/** Tells hubs that a topic changed, or publishes its content. */
export async function publish(topic: string, flags: PublishFlags): Promise<void> {
  const content = await contentOf(flags);
  const place = flags.hub === undefined ? await placeOf(topic, flags) : { topic, hubs: [flags.hub] };
  for (const hub of place.hubs) {
    await using publisher = createPublisher({
      hub,
      timeoutMs: flags.timeout * 1_000,
      ...(flags.credential === undefined ? {} : { credential: flags.credential }),
    });
    const done = await publishAt(publisher, place.topic, content, flags);
    print(
      flags.json === true
        ? JSON.stringify({ hub, topic: place.topic, ...done })
        : sentence(hub, place.topic, done),
    );
  }
}

interface Done {
  readonly published: 'ping' | 'content';
  readonly cursor?: string;
}

async function publishAt(
  publisher: Publisher,
  topic: string,
  content: string | Uint8Array | undefined,
  flags: PublishFlags,
): Promise<Done> {
  if (content === undefined) {
    await publisher.ping(topic);
    return { published: 'ping' };
  }
  const { cursor } = await publisher.publish(topic, content, publishOptionsOf(flags));
  return { published: 'content', ...(cursor === undefined ? {} : { cursor }) };
}

function publishOptionsOf({ contentType, id, type, subject, header, file }: PublishFlags): PublishOptions {
  const kind = contentType ?? (file === undefined ? undefined : 'text/plain; charset=utf-8');
  return {
    ...(header === undefined ? {} : { headers: header }),
    ...(kind === undefined ? {} : { contentType: kind }),
    ...(id === undefined ? {} : { id }),
    ...(type === undefined ? {} : { type }),
    ...(subject === undefined ? {} : { subject }),
  };
}

function sentence(hub: string, topic: string, { published, cursor }: Done): string {
  if (published === 'ping') return `${hub} was told that ${topic} changed`;
  return `${hub} has the content of ${topic}${cursor === undefined ? '' : `, cursor ${cursor}`}`;
}

async function contentOf({
  content,
  file,
  ...flags
}: PublishFlags): Promise<string | Uint8Array | undefined> {
  if (file === undefined) {
    const useless = (['contentType', 'id', 'type', 'subject'] as const).find(
      (name) => flags[name] !== undefined,
    );
    if (content !== undefined || useless === undefined) return content;
    const flag = useless === 'contentType' ? 'content-type' : useless;
    throw new CommandFailure(`--${flag} belongs to content: give --content or --file too`, MISUSED);
  }
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (cause) {
    throw new CommandFailure(`--file cannot be read: ${reasonOf(cause)}`, MISUSED);
  }
}

async function placeOf(
  url: string,
  flags: PublishFlags,
): Promise<{ readonly topic: string; readonly hubs: readonly string[] }> {
  const { self, hubs } = await discover(url, { http: httpOf(flags) });
  if (hubs.length > 0) return { topic: self ?? url, hubs };
  throw new CommandFailure(`${url} names no hub: name one with --hub, or see websub discover ${url}`);
}
