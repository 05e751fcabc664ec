import { readFile } from 'node:fs/promises';
import {
  ConfigurationError,
  testSubscriber,
  type DispatchTables,
  type Entry,
  type Notification,
} from '@websub/subscriber';
import { describe, expect, it } from 'vitest';
import { openWorld, silent } from './world.js';

/** Where a vector's entries say "Ev". */
class Ev {}

interface Vector<P = Answered | Refused> {
  readonly name: string;
  readonly topicIdentifier: NonNullable<DispatchTables['topicIdentifier']>;
  readonly header?: string;
  readonly body?: unknown;
  readonly proposed: P;
}

interface Answered {
  readonly status: 202;
  readonly method?: string;
  readonly by: string;
}

interface Refused {
  readonly status: 'attach-error';
  readonly why: string;
}

const text = await readFile(new URL('dispatch-vectors.json', import.meta.url), 'utf8');
const vectors = JSON.parse(text) as {
  readonly configs: Readonly<Record<string, unknown>>;
  readonly vectors: readonly Vector[];
};
const CONFIG = {
  TOPIC_ID_HEADER: 'HDR',
  TOPIC_ID_PAYLOAD_KEY: 'PAY',
  TOPIC_ID_HEADER_AND_PAYLOAD: 'HAP',
} as const;

/** The vector's tables, the payload's class in place of its name. */
function tablesOf({ topicIdentifier, name }: Vector): DispatchTables {
  const config = JSON.stringify(vectors.configs[CONFIG[topicIdentifier]]);
  const tables = JSON.parse(config, (_key, value: unknown) =>
    value === 'Ev' ? Ev : value,
  ) as DispatchTables;
  if (name !== 'HDR: payload map ignored') return tables;
  return { ...tables, payloadKeyResourceMap: { action: { created: ['onCreated', Ev] } } };
}

function methodsOf(table: unknown): readonly string[] {
  if (Array.isArray(table)) return [(table as unknown as Entry)[0]];
  return typeof table === 'object' && table !== null ? Object.values(table).flatMap(methodsOf) : [];
}

/** A service with the methods that a table names; each keeps its name and what it was given. */
function serviceFor(vector: Vector): { readonly service: object; readonly ran: [string, unknown][] } {
  const ran: [string, unknown][] = [];
  const names = new Set(methodsOf(tablesOf(vector)));
  if (vector.proposed.status === 'attach-error') names.delete('onGone');
  if (vector.name === 'HDR no match + fallback') names.add('onEventNotification');
  const methods = [...names].map(
    (name) => [name, (_n: Notification, payload: unknown) => void ran.push([name, payload])] as const,
  );
  return { service: Object.fromEntries(methods), ran };
}

function requestOf({ body, header }: Vector): {
  readonly body: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  const headers = header === undefined ? {} : { x: header };
  return body === undefined
    ? { body: '<xml/>', contentType: 'application/xml', headers }
    : { body: JSON.stringify(body), contentType: 'application/json', headers };
}

const isRefused = (vector: Vector): vector is Vector<Refused> => vector.proposed.status === 'attach-error';
const refused = vectors.vectors.filter(isRefused);
const answered = vectors.vectors.filter((vector): vector is Vector<Answered> => !isRefused(vector));

describe('the dispatch vectors', () => {
  it('are 21, and the one with __proto__ is as it was written', () => {
    expect([refused.length, answered.length]).toEqual([1, 20]);
    const forged = answered.find(({ name }) => name.includes('__proto__'));
    expect(forged && requestOf(forged).body).toBe('{"__proto__":{"action":"created"}}');
  });

  it.each(refused)('$name is refused when it is attached', async (vector) => {
    await using world = await openWorld();
    const { service } = serviceFor(vector);
    const attached = world.listener.attachWithConfig(service, { target: world.target, ...tablesOf(vector) });
    await expect(attached).rejects.toThrow(ConfigurationError);
    await expect(attached).rejects.toThrow('onGone: the class has no such method');
  });

  it.each(answered)('$name: $proposed.method by $proposed.by, over HTTP', async (vector) => {
    const { proposed } = vector;
    const warned: string[] = [];
    const logger = { ...silent, warn: (_fields: object, message: string) => warned.push(message) };
    await using world = await openWorld({ listener: { logger } });
    const { service, ran } = serviceFor(vector);
    await world.listener.attachWithConfig(service, { target: world.target, ...tablesOf(vector) });
    await world.listener.start();

    const { body, ...options } = requestOf(vector);
    const reply = await world.hub.deliver(world.hub.subscription, body, options);

    expect(reply.status).toBe(proposed.status);
    const isMapped = proposed.by !== 'none' && proposed.by !== 'fallback';
    expect(ran.map(([method, payload]) => [method, payload instanceof Ev])).toEqual(
      proposed.method === undefined ? [] : [[proposed.method, isMapped]],
    );
    const unmatched = proposed.by === 'none' ? 1 : 0;
    expect(world.told.unhandled).toHaveLength(unmatched);
    expect(warned.filter((message) => message.includes('no method takes'))).toHaveLength(unmatched);
  });

  it.each(answered)('$name: $proposed.method by $proposed.by, in the test kit', async (vector) => {
    const { status, by, method } = vector.proposed;
    const instance = serviceFor(vector).service;
    await using test = await testSubscriber(Object, { instance, config: tablesOf(vector) });
    const { body, ...options } = requestOf(vector);
    const result = await test.notify(body, options);
    expect(result).toMatchObject({ status, matchedBy: by, handler: method });
  });
});
