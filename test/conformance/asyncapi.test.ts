import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bearer, createKey, GUARDED } from '../support/access.js';
import { manage } from '../support/manage.js';
import { published } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';
import { Ws } from '../support/ws-clients.js';

const TOPIC = 'https://shop.example/asyncapi';
const world = useEmbeddedWorld({ flags: GUARDED });

type Json = Readonly<Record<string, unknown>>;
interface Document extends Json {
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: Json }>> };
}

let served: Document;
const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
formats.default(ajv);

beforeAll(async () => {
  served = JSON.parse((await manage(world.hub, 'GET', '/asyncapi.json')).text) as Document;
});

/** What of this message is not as the document says. */
function complaints(name: string, message: unknown): unknown {
  const described = served.components.messages[name];
  if (described === undefined) return `there is no message ${name}`;
  ajv.validate(described.payload, message);
  return ajv.errors ?? [];
}

describe('the AsyncAPI document', () => {
  it('is the one in docs/, and AsyncAPI 3', async () => {
    const kept = await readFile(new URL('../../docs/asyncapi.json', import.meta.url), 'utf8');
    expect(JSON.parse(kept), 'run npm run openapi').toEqual(served);
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as Json;
    // It brings the schema of schemas along itself.
    const asyncApi = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false });
    formats.default(asyncApi);
    asyncApi.validate(schema, served);
    expect(asyncApi.errors ?? []).toEqual([]);
  });

  it('says how everything looks that is said over WebSocket, both ways', async () => {
    const { key } = await createKey(world.hub, { role: 'reader', read: ['*'], expires_in: 3 });
    const client = await Ws.open(world.hub, { headers: bearer(key) });
    onTestFinished(() => client.close());
    await published(world.hub, TOPIC, 'text', { type: 'note' });
    await published(world.hub, TOPIC, '{"a":1}', { contentType: 'application/json' });
    await published(world.hub, TOPIC, Buffer.from([0xff]), { contentType: 'image/png' });
    const cursor = await published(world.hub, TOPIC, 'text');
    const sub = { op: 'sub', sid: 's', topics: [TOPIC], from: 'no such entry' };
    const words = [
      sub,
      {
        ...sub,
        sid: 'c',
        from: { last: 1 },
        consumer: 'c',
        ack: 'explicit',
        window: 5,
        where: ['type=x'],
        credit: 1,
      },
      { op: 'ack', sid: 'c', upto: cursor },
      { op: 'nack', sid: 'c', cursor },
      { op: 'credit', sid: 'c', n: 1 },
      { op: 'pause', sid: 's' },
      { op: 'resume', sid: 's' },
      { op: 'rewind', sid: 's', from: { since: 1 } },
      { op: 'pub', topic: TOPIC, id: 'x', type: 'note', data: { a: 1 } },
      { op: 'unsub', sid: 's' },
      { op: 'auth', token: 'wrong' },
      { op: 'ping', t: 1 },
    ];
    for (const word of words) {
      expect([word, complaints(`client.${word.op}`, word)]).toEqual([word, []]);
      client.say(word);
    }
    await until('the credential has expired', () => client.closed !== undefined);
    for (const word of client.words) expect([word, complaints(`hub.${word.op}`, word)]).toEqual([word, []]);
    const told = Object.keys(served.components.messages).filter((name) => name.startsWith('hub.'));
    expect(new Set(client.words.map(({ op }) => `hub.${op}`))).toEqual(new Set(told));
  });

  it('says how everything looks that is said over Server-Sent Events', async () => {
    const { key } = await createKey(world.hub, { role: 'reader', read: ['*'], expires_in: 2 });
    const open = async (query: string, headers = {}): Promise<Stream> => {
      const address = new URL(`/v1/sse?topic=${TOPIC}/sse&${query}`, world.hub.url).href;
      const stream = await Stream.open(address, { headers });
      onTestFinished(() => stream.close());
      return stream;
    };
    await published(world.hub, `${TOPIC}/sse`, 'text');
    const streams = [
      await open('control=live,stream&format=envelope&since=no-such-entry', bearer(key)),
      await open('timeout=1'),
      await open('limit=1&since=last:1'),
    ];
    await until('the streams have ended', () => streams.every(({ ended }) => ended));
    const events = streams.flatMap((stream) => stream.events);
    for (const { name, data } of events) {
      if (name === 'message') continue;
      expect([data, complaints(`sse.${name}`, JSON.parse(data))]).toEqual([data, []]);
    }
    const [envelope] = streams[0]!.messages;
    expect(complaints('sse.entry', JSON.parse(envelope!))).toEqual([]);
    expect(new Set(events.map(({ name }) => name))).toEqual(
      new Set(['stream', 'gap', 'live', 'message', 'expiring', 'bye', 'timeout']),
    );
  });
});
