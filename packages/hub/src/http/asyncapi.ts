import { z } from 'zod';
import { NATIVE_PATH, NATIVE_SUBPROTOCOL } from '../bridge/native/native-protocol.js';
import { CLIENT_WORDS, ENVELOPE, SERVER_WORDS } from '../bridge/native/words.js';
import { SSE_WORDS } from '../bridge/sse-words.js';
import { VERSION } from '../package-info.js';

type Json = Readonly<Record<string, unknown>>;
type Words = Readonly<Record<string, z.ZodType>>;

const SSE_ENTRY = 'entry';

/** The AsyncAPI 3 document of what is said over `/v1/ws` and `/v1/sse`, made of the schemas by which it is said and heard. */
export function asyncApiDocument(): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'WebSub hub',
      version: VERSION,
      description:
        'Topics over WebSocket and Server-Sent Events. How to use them: docs/bridges.md. The HTTP API: /v1/openapi.json.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      ws: {
        address: NATIVE_PATH,
        description: `WebSocket, with the subprotocol ${NATIVE_SUBPROTOCOL} or none; each message is a text of JSON.`,
        messages: { ...references('client', CLIENT_WORDS), ...references('hub', SERVER_WORDS) },
        bindings: { ws: { method: 'GET', query: querySchema({ ticket: 'A one-time ticket' }) } },
      },
      sse: {
        address: '/v1/sse',
        description:
          'Server-Sent Events: entries are messages, or named by their type with typed=1; what the hub says has a name.',
        messages: { [SSE_ENTRY]: reference('sse', SSE_ENTRY), ...references('sse', SSE_WORDS) },
        bindings: { http: {} },
      },
    },
    operations: {
      hear: operation('receive', 'ws', 'The hub hears its client', keysOf('client', CLIENT_WORDS)),
      speak: operation('send', 'ws', 'The hub tells its client', keysOf('hub', SERVER_WORDS)),
      stream: operation('send', 'sse', 'The hub tells its client', [SSE_ENTRY, ...keysOf('sse', SSE_WORDS)]),
    },
    components: {
      messages: {
        ...messages('client', CLIENT_WORDS, 'input'),
        ...messages('hub', SERVER_WORDS, 'output'),
        ...messages('sse', SSE_WORDS, 'output'),
        [`sse.${SSE_ENTRY}`]: {
          name: 'message',
          summary: 'An entry: its body as text, or with format=envelope what is known of it as JSON',
          payload: { anyOf: [{ type: 'string' }, schemaOf(ENVELOPE, 'output')] },
        },
      },
    },
  };
}

function messages(of: string, words: Words, io: 'input' | 'output'): Json {
  return Object.fromEntries(
    Object.entries(words).map(([name, schema]) => {
      const { description, ...payload } = schemaOf(schema, io);
      return [`${of}.${name}`, { name, summary: description, payload }];
    }),
  );
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-7', unrepresentable: 'any' });
  return rest;
}

/** The names of messages within a channel. */
function keysOf(of: string, words: Words): readonly string[] {
  return Object.keys(words).map((name) => keyOf(of, name));
}

function keyOf(of: string, name: string): string {
  return of === 'sse' ? name : `${of}.${name}`;
}

function references(of: string, words: Words): Json {
  return Object.fromEntries(Object.keys(words).map((name) => [keyOf(of, name), reference(of, name)]));
}

function reference(of: string, name: string): Json {
  return { $ref: `#/components/messages/${of}.${name}` };
}

function operation(
  action: 'send' | 'receive',
  channel: string,
  summary: string,
  keys: readonly string[],
): Json {
  return {
    action,
    summary,
    channel: { $ref: `#/channels/${channel}` },
    messages: keys.map((key) => ({ $ref: `#/channels/${channel}/messages/${key}` })),
  };
}

function querySchema(properties: Readonly<Record<string, string>>): Json {
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, description]) => [name, { type: 'string', description }]),
    ),
  };
}
