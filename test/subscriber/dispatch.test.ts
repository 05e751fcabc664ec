import {
  ConfigurationError,
  defineDispatch,
  OnEvent,
  OnHeader,
  SubscriberListener,
  SubscriberService,
  testSubscriber,
  TOPIC_ID_HEADER,
  TOPIC_ID_HEADER_AND_PAYLOAD,
  TOPIC_ID_PAYLOAD_KEY,
  type DispatchTables,
  type Entry,
  type NotifyOptions,
  type SubscriberServiceOptions,
  type Table,
} from '@websub/subscriber';
import { describe, expect, it } from 'vitest';
import { openWorld, silent } from './world.js';

/** A service with methods of these names, which do nothing. */
function serviceWith(...names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, () => undefined]));
}

/** Which method takes a notification, and by what. */
async function chosenBy(
  config: SubscriberServiceOptions,
  payload: unknown,
  options: NotifyOptions = {},
): Promise<string> {
  const instance = serviceWith('onA', 'onB', 'onC', 'onEventNotification');
  await using test = await testSubscriber(Object, { instance, config });
  const { handler, matchedBy } = await test.notify(payload, options);
  return `${handler} by ${matchedBy}`;
}

const FALLBACK = 'onEventNotification by fallback';

/** All that is wrong with a service, as `attach` tells it. */
async function problemsOf(service: object, config: object = {}): Promise<readonly string[]> {
  const listener = new SubscriberListener(0, { logger: silent });
  const thrown: unknown = await listener.attachWithConfig(service, config).catch((error: unknown) => error);
  return thrown instanceof ConfigurationError ? thrown.errors.map(({ message }) => message) : [];
}

describe('a header', () => {
  const tables: DispatchTables = { topicHeader: 'X-Event', headerResourceMap: { opened: ['onA'] } };

  it.each([
    ['in another case of the name', { 'x-EVENT': 'opened' }, 'onA by header'],
    ['with white space around the value', { 'X-Event': ' \t opened ' }, 'onA by header'],
    ['with the value in another case', { 'X-Event': 'Opened' }, FALLBACK],
    ['with more than the value', { 'X-Event': 'opened, closed' }, FALLBACK],
    ['that is empty', { 'X-Event': '' }, FALLBACK],
    ['of another name', { 'X-Events': 'opened' }, FALLBACK],
  ])('%s', async (_what, headers, chosen) => {
    expect(await chosenBy(tables, {}, { headers: headers as Record<string, string> })).toBe(chosen);
  });

  it.each(['toString', '__proto__', 'constructor', 'hasOwnProperty'])(
    'of value %s, which every object has as a member, finds nothing',
    async (value) => {
      expect(await chosenBy(tables, {}, { headers: { 'X-Event': value } })).toBe(FALLBACK);
    },
  );

  it('called Link stands for the URL of its rel=self', async () => {
    const self = 'https://publisher.example/b';
    const config: DispatchTables = { topicHeader: 'Link', headerResourceMap: { [self]: ['onB'] } };
    const link = `<https://hub.example/>; rel="hub", <${self}>; rel="self"`;
    expect(await chosenBy(config, {}, { headers: { Link: link } })).toBe('onB by header');
    expect(await chosenBy(config, {}, { headers: { Link: `<${self}>; rel="next"` } })).toBe(FALLBACK);
  });
});

describe('a payload', () => {
  const keyed = (key: string, value: string): DispatchTables => ({
    payloadKeyResourceMap: { [key]: { [value]: ['onA'] } },
  });

  it.each([
    ['a number', keyed('n', '7'), { n: 7 }, 'onA by payload'],
    ['a fraction', keyed('n', '0.5'), { n: 0.5 }, 'onA by payload'],
    ['a boolean', keyed('b', 'false'), { b: false }, 'onA by payload'],
    ['an empty string', keyed('s', ''), { s: '' }, 'onA by payload'],
    ['null, which is no text', keyed('s', 'null'), { s: null }, FALLBACK],
    ['an object, which is no text', keyed('s', '[object Object]'), { s: {} }, FALLBACK],
    ['a list, which is no text', keyed('s', 'a'), { s: ['a'] }, FALLBACK],
    ['a path', keyed('a.b.c', 'x'), { a: { b: { c: 'x' } } }, 'onA by payload'],
    ['a path into a list', keyed('a.1.b', 'x'), { a: [{}, { b: 'x' }] }, 'onA by payload'],
    ['a path that ends early', keyed('a.b.c', 'x'), { a: { b: 'x' } }, FALLBACK],
    ['a path through nothing', keyed('a.b', 'x'), { a: null }, FALLBACK],
    [
      'a whole key that is no text, with the path beside it',
      keyed('a.b', 'x'),
      { 'a.b': {}, a: { b: 'x' } },
      FALLBACK,
    ],
    ['the length of a list', keyed('length', '1'), ['x'], FALLBACK],
    ['the length of a text', keyed('length', '1'), 'x', FALLBACK],
    ['a byte at an index', keyed('0', '1'), Uint8Array.of(1), FALLBACK],
    ['a member that every object has', keyed('constructor.name', 'Object'), {}, FALLBACK],
    ['a member of the prototype by its path', keyed('__proto__.x', 'y'), { a: 1 }, FALLBACK],
  ])('has %s', async (_what, tables, payload, chosen) => {
    expect(await chosenBy(tables, payload)).toBe(chosen);
  });

  it('may have own members called constructor, toString and __proto__', async () => {
    const body = '{"constructor":"Williams","toString":"x","__proto__":{"admin":true}}';
    const json = { contentType: 'application/json' };
    expect(await chosenBy(keyed('constructor', 'Williams'), body, json)).toBe('onA by payload');
    expect(await chosenBy(keyed('toString', 'x'), body, json)).toBe('onA by payload');
    expect(await chosenBy(keyed('admin', 'true'), body, json)).toBe(FALLBACK);
  });

  it('of a form is looked up by its fields', async () => {
    expect(await chosenBy(keyed('action', 'opened'), new URLSearchParams({ action: 'opened' }))).toBe(
      'onA by payload',
    );
  });

  it.each([
    ['application/vnd.api+json', 'onA by payload'],
    ['application/xml', FALLBACK],
    ['application/octet-stream', FALLBACK],
  ])('of type %s', async (contentType, chosen) => {
    expect(await chosenBy(keyed('a', 'b'), '{"a":"b"}', { contentType })).toBe(chosen);
  });
});

describe('the order', () => {
  const everything = defineDispatch({
    topicHeader: 'X',
    headerAndPayloadKeyResourceMap: { h: { k: { v: ['onA'] } } },
    headerResourceMap: { h: ['onB'] },
    payloadKeyResourceMap: { k: { v: ['onC'] } },
  });

  it.each([
    ['all that are given, where there is no topicIdentifier', {}, ['onA', 'onB', 'onC']],
    ['all', { topicIdentifier: TOPIC_ID_HEADER_AND_PAYLOAD }, ['onA', 'onB', 'onC']],
    ['the header table', { topicIdentifier: TOPIC_ID_HEADER }, ['onB', 'onB', undefined]],
    ['the payload table', { topicIdentifier: TOPIC_ID_PAYLOAD_KEY }, ['onC', undefined, 'onC']],
  ] as const)('reads %s', async (_what, identifier, [both, headerOnly, payloadOnly]) => {
    const instance = serviceWith('onA', 'onB', 'onC');
    const config = { ...everything, ...identifier };
    await using test = await testSubscriber(Object, { instance, config });
    expect((await test.notify({ k: 'v' }, { headers: { X: 'h' } })).handler).toBe(both);
    expect((await test.notify({ k: 'w' }, { headers: { X: 'h' } })).handler).toBe(headerOnly);
    expect((await test.notify({ k: 'v' }, { headers: { X: 'i' } })).handler).toBe(payloadOnly);
  });

  it.each([
    [
      'a Map',
      new Map([
        ['20', ['onA'] as const],
        ['7', ['onB'] as const],
      ]),
    ],
    [
      'pairs',
      [
        ['20', ['onA']],
        ['7', ['onB']],
      ] as const,
    ],
  ])('of keys is that of %s', async (_what, table) => {
    const keys = new Map<string, Table<Entry>>([
      ['b', table],
      ['10', new Map([['7', ['onC'] as const]])],
    ]);
    const config: DispatchTables = { payloadKeyResourceMap: keys };
    expect(await chosenBy(config, { b: 7, 10: 7 })).toBe('onB by payload');
    expect(await chosenBy(config, { 10: 7 })).toBe('onC by payload');
    expect(await chosenBy(config, { b: 20, 10: 7 })).toBe('onA by payload');
  });

  it('is header and payload, header, payload, topic, onEventNotification', async () => {
    class Levels {
      @OnEvent({ topic: 'https://publisher.test/topic' }) onTopic(): void {}
      @OnEvent({ payload: ['k', 'v'] }) onPayload(): void {}
      @OnEvent({ header: ['X', 'h'] }) onHeader(): void {}
      @OnEvent({ header: ['X', 'h'], payload: ['k', 'v'] }) onBoth(): void {}
      onEventNotification(): void {}
    }
    await using test = await testSubscriber(Levels);
    const seen = [
      await test.notify({ k: 'v' }, { headers: { X: 'h' } }),
      await test.notify({}, { headers: { X: 'h' } }),
      await test.notify({ k: 'v' }),
      await test.notify({}),
    ];
    expect(seen.map(({ handler, matchedBy }) => `${handler} by ${matchedBy}`)).toEqual([
      'onBoth by header+payload',
      'onHeader by header',
      'onPayload by payload',
      'onTopic by topic',
    ]);
    await using other = await testSubscriber(Levels, {
      config: { target: ['https://hub.test/', 'https://publisher.test/other'] },
    });
    expect((await other.notify({})).handler).toBe('onEventNotification');
  });

  it('within a level is that of writing, tables before decorators, and one method runs', async () => {
    const ran: string[] = [];
    @SubscriberService({ payloadKeyResourceMap: { b: { '1': ['fromTable'] } } })
    class Overlapping {
      @OnEvent({ payload: ['a', 1] }) first(): void {
        ran.push('first');
      }
      @OnEvent({ payload: ['c', true], topic: 'https://publisher.test/topic' }) second(): void {
        ran.push('second');
      }
      fromTable(): void {
        ran.push('fromTable');
      }
    }
    await using test = await testSubscriber(Overlapping);
    for (const payload of [{ c: true, a: 1, b: 1 }, { c: true, a: 1 }, { c: true }])
      await test.notify(payload);
    expect(ran).toEqual(['fromTable', 'first', 'second']);
  });
});

describe('@OnEvent and @OnHeader', () => {
  it('need no topicIdentifier, and @OnEvent may name headers of its own', async () => {
    @SubscriberService({ topicHeader: 'X-Event' })
    class Both {
      @OnHeader('opened') onOpened(): void {}
      @OnEvent({ header: ['X-Other', 'ping'] }) onPing(): void {}
    }
    await using test = await testSubscriber(Both);
    expect((await test.notify({}, { headers: { 'X-Event': 'opened' } })).handler).toBe('onOpened');
    expect((await test.notify({}, { headers: { 'x-other': 'ping' } })).handler).toBe('onPing');
  });

  it('may stand on one method several times', async () => {
    class Several {
      @OnEvent({ payload: ['action', 'opened'] })
      @OnEvent({ payload: ['action', 'reopened'] })
      onOpened(): void {}
    }
    await using test = await testSubscriber(Several);
    for (const action of ['opened', 'reopened'])
      expect((await test.notify({ action })).handler).toBe('onOpened');
  });

  it('of a superclass count, and call the method that overrides theirs', async () => {
    const ran: string[] = [];
    class Base {
      @OnEvent({ payload: ['k', 'a'] }) onA(): void {
        ran.push('Base.onA');
      }
      @OnEvent({ payload: ['k', 'b'] }) onB(): void {
        ran.push('Base.onB');
      }
    }
    class Derived extends Base {
      override onA(): void {
        ran.push('Derived.onA');
      }
      @OnEvent({ payload: ['k', 'b'] }) override onB(): void {
        ran.push('Derived.onB');
      }
    }
    await using test = await testSubscriber(Derived);
    for (const k of ['a', 'b']) await test.notify({ k });
    expect(ran).toEqual(['Derived.onA', 'Derived.onB']);
  });

  it.each([
    [
      'static',
      () => {
        class Wrong {
          @OnEvent({ payload: ['a', 'b'] }) static onA(): void {}
        }
        return Wrong;
      },
    ],
    [
      'named by a symbol',
      () => {
        class Wrong {
          @OnEvent({ payload: ['a', 'b'] }) [Symbol.for('on')](): void {}
        }
        return Wrong;
      },
    ],
  ])('refuse a method that is %s', (_what, declare) => {
    expect(declare).toThrow('decorate a plain method');
  });
});

describe('what no method takes', () => {
  it('is answered 202, or 404 with onNoMatch: reject', async () => {
    for (const [onNoMatch, status] of [
      ['ack', 202],
      ['reject', 404],
    ] as const) {
      await using test = await testSubscriber(Object, { instance: {}, config: { onNoMatch } });
      expect(await test.notify({})).toMatchObject({ status, handler: undefined, matchedBy: 'none' });
    }
  });
});

describe('the warning of what no method takes', () => {
  it('names the headers and keys that were looked at, once for each of their values', async () => {
    const warned: string[] = [];
    const logger = { ...silent, warn: (_fields: object, message: string) => void warned.push(message) };
    await using world = await openWorld({ listener: { logger } });
    await world.listener.attachWithConfig(
      { onIssue: () => undefined, onCreated: () => undefined },
      {
        target: world.target,
        topicHeader: 'X-Event',
        headerResourceMap: { issue: ['onIssue'] },
        payloadKeyResourceMap: { action: { created: ['onCreated'] } },
      },
    );
    await world.listener.start();
    const deliver = (event: string, body: object): Promise<unknown> =>
      world.hub.deliver(world.hub.subscription, JSON.stringify(body), {
        contentType: 'application/json',
        headers: { 'x-event': event },
      });
    await deliver('push', { action: 'deleted' });
    await deliver('push', { action: 'deleted', n: 2 });
    await deliver('push', {});
    const topic = world.target[1];
    const cure = 'name it in a table, add onEventNotification, or set onNoMatch';
    expect(warned).toEqual([
      `no method takes a notification of ${topic}, the header X-Event is "push", action is "deleted": ${cure}`,
      `no method takes a notification of ${topic}, the header X-Event is "push", action is not there: ${cure}`,
    ]);
  });
});

describe('the faults of a configuration', () => {
  it('are all told at attach', async () => {
    const problems = await problemsOf(serviceWith('onA', 'onB'), {
      topicIdentifier: TOPIC_ID_HEADER_AND_PAYLOAD,
      headerResourceMap: { a: ['onA'], b: ['onMissing'] },
      payloadKeyResourceMap: [
        ['k', { v: ['onA'] }],
        ['k', { v: ['onB'] }],
      ],
      target: 'no url',
      leaseSeconds: 0,
      secret: 's'.repeat(200),
      concurrency: 1.5,
    });
    expect(problems.toSorted()).toEqual(
      [
        'target has a control character or a space: percent-encode it',
        'leaseSeconds is not a positive integer: give one, or leave it out',
        'concurrency is not a positive integer: give one, or leave it out',
        'hub.secret has 200 bytes: it must be shorter than 200 bytes',
        'topicIdentifier is TOPIC_ID_HEADER_AND_PAYLOAD: give headerAndPayloadKeyResourceMap too',
        'a table goes by a header: name the header in topicHeader',
        'header (topicHeader): b names onMissing: the class has no such method',
        'payload k: v leads to onA and to onB: keep one of them',
      ].toSorted(),
    );
  });

  it.each<[string, object, string]>([
    [
      'a topicIdentifier without its table',
      { topicIdentifier: TOPIC_ID_PAYLOAD_KEY, topicHeader: 'X', headerResourceMap: { a: ['onA'] } },
      'topicIdentifier is TOPIC_ID_PAYLOAD_KEY: give payloadKeyResourceMap too',
    ],
    [
      'a topicIdentifier that there is not',
      { topicIdentifier: 'toString' },
      'topicIdentifier is toString: use TOPIC_ID_HEADER, TOPIC_ID_PAYLOAD_KEY, TOPIC_ID_HEADER_AND_PAYLOAD',
    ],
    [
      'a topicHeader that no request can have',
      { topicHeader: 'X Event', headerResourceMap: { a: ['onA'] } },
      'X Event is no header name (onA): use letters, digits and hyphens',
    ],
    [
      'a method that every object has',
      { payloadKeyResourceMap: { k: { v: ['toString'] } } },
      'payload k: v names toString: the class has no such method',
    ],
    [
      'the constructor as a method',
      { payloadKeyResourceMap: { k: { v: ['constructor'] } } },
      'payload k: v names constructor: the class has no such method',
    ],
    [
      'an entry that is no list',
      { payloadKeyResourceMap: { k: { v: 'onA' } } },
      "payload k: v leads to no method: write ['method'] or ['method', Type]",
    ],
    [
      'a type that is none',
      { payloadKeyResourceMap: { k: { v: ['onA', 'Issue'] } } },
      'the type of onA is neither a class nor a Standard Schema: give one, or leave it out',
    ],
    [
      'the same header twice',
      {
        topicHeader: 'X',
        headerResourceMap: [
          ['a', ['onA']],
          ['a', ['onB']],
        ],
      },
      'header X: a leads to onA and to onB: keep one of them',
    ],
  ])('include %s', async (_what, config, problem) => {
    expect(await problemsOf(serviceWith('onA', 'onB'), config)).toEqual([problem]);
  });

  it('include a table and a decorator that say the same', async () => {
    @SubscriberService({ topicHeader: 'x-event', headerResourceMap: { opened: ['onA'] } })
    class Twice {
      onA(): void {}
      @OnEvent({ header: ['X-Event', 'opened'] }) onB(): void {}
    }
    expect(await problemsOf(new Twice())).toEqual([
      'header X-Event: opened leads to onA and to onB: keep one of them',
    ]);
  });

  it('include @OnHeader without a topicHeader, and @OnEvent without a condition', async () => {
    class Vague {
      @OnHeader('opened') onA(): void {}
      @OnEvent({}) onB(): void {}
    }
    expect(await problemsOf(new Vague())).toEqual([
      '@OnEvent on onB matches nothing: give header, payload or topic',
      '@OnHeader on onA: name the header in topicHeader of @SubscriberService',
    ]);
  });

  it('do not include methods that a service of shared tables leaves out, when the tables are partial', async () => {
    const tables = defineDispatch(
      { topicHeader: 'X', headerResourceMap: { a: ['onA'], b: ['onB'] } },
      { partial: true },
    );
    const instance = serviceWith('onA');
    await using test = await testSubscriber(Object, { instance, config: tables });
    expect((await test.notify({}, { headers: { X: 'a' } })).handler).toBe('onA');
    expect((await test.notify({}, { headers: { X: 'b' } })).matchedBy).toBe('none');
  });
});
