import 'reflect-metadata';
import {
  OnEvent,
  PayloadValidationError,
  SubscriberListener,
  SubscriberService,
  testSubscriber,
  type Issue,
  type Notification,
  type PayloadType,
} from '@websub/subscriber';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openWorld, silent } from './world.js';

class Ticket {
  id!: number;
  title = 'untitled';

  get loud(): string {
    return this.title.toUpperCase();
  }
}

const JSON_TYPE = { contentType: 'application/json' };

/** A service of one method whose payload is of this type, and what it was given. */
function taking(payloadType: PayloadType): { readonly service: object; readonly given: unknown[] } {
  const given: unknown[] = [];
  class Taking {
    @OnEvent({ topic: 'https://publisher.test/topic' }, payloadType)
    onAny(notification: Notification, payload: unknown): void {
      given.push(payload, notification.payload);
    }
  }
  return { service: new Taking(), given };
}

/** What the method is given for a payload, or why it was refused. */
async function received(payloadType: PayloadType, payload: unknown, contentType?: string): Promise<unknown> {
  const { service: instance, given: seen } = taking(payloadType);
  await using test = await testSubscriber(Object, { instance });
  const result = await test.notify(payload, contentType === undefined ? {} : { contentType });
  if (result.error instanceof PayloadValidationError)
    return { status: result.status, issues: result.error.issues };
  // The notification carries the same value as the second parameter.
  return seen[0] === seen[1] ? seen[0] : { differ: seen };
}

describe('a payload for a class', () => {
  it('becomes an instance with its members, methods and defaults', async () => {
    const issue = await received(Ticket, { id: 1, more: [true] });
    expect(issue).toBeInstanceOf(Ticket);
    expect(issue).toEqual(Object.assign(new Ticket(), { id: 1, more: [true] }));
    expect((issue as Ticket).loud).toBe('UNTITLED');
  });

  it('cannot choose the prototype of the instance', async () => {
    const issue = await received(Ticket, '{"__proto__":{"admin":true},"id":1}', 'application/json');
    expect(Object.getPrototypeOf(issue)).toBe(Ticket.prototype);
    expect((issue as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.keys(issue as object)).toEqual(['title', 'id']);
  });

  it('cannot pollute the prototype of all objects', async () => {
    const body = '{"constructor":{"prototype":{"polluted":true}},"__proto__":{"polluted":true}}';
    expect(await received(Ticket, body, 'application/json')).toBeInstanceOf(Ticket);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('may be a form', async () => {
    expect(await received(Ticket, new URLSearchParams({ title: 'x' }))).toMatchObject({ title: 'x' });
  });

  it.each([
    ['a list', [1], undefined],
    ['a text', 'x', 'text/plain'],
    ['null', 'null', 'application/json'],
    ['broken JSON', '{', 'application/json'],
    ['bytes', Uint8Array.of(1), undefined],
  ])('that is %s is refused 422, and the method does not run', async (_what, payload, contentType) => {
    expect(await received(Ticket, payload, contentType)).toMatchObject({
      status: 422,
      issues: [{ message: 'expected an object to make a Ticket of' }],
    });
  });

  it('whose constructor needs more is refused, and nothing breaks', async () => {
    class Needy {
      readonly name: string;
      constructor(from: { name: string }) {
        this.name = from.name.trim();
      }
    }
    expect(await received(Needy, { name: 'x' })).toMatchObject({ status: 422 });
  });
});

describe.each<[string, PayloadType]>([
  ['zod', z.object({ at: z.coerce.date(), n: z.number() })],
  [
    'valibot',
    v.object({
      at: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
      n: v.number(),
    }),
  ],
  ['arktype', type({ at: 'string.date.parse', n: 'number' })],
])('a payload for a schema of %s', (_name, schema) => {
  it('is what the schema makes of it', async () => {
    const made = await received(schema, { at: '2026-01-01T00:00:00Z', n: 1 });
    expect(made).toEqual({ at: new Date('2026-01-01T00:00:00Z'), n: 1 });
  });

  it('is refused 422 with the issues of the schema, and the method does not run', async () => {
    const refused = await received(schema, { at: '2026-01-01T00:00:00Z', n: 'one' });
    expect(refused).toMatchObject({ status: 422 });
    const { issues } = refused as { readonly issues: readonly Issue[] };
    expect(issues.map(({ message }) => message)).toEqual([expect.stringMatching(/number/i)]);
    const [first] = issues[0]?.path ?? [];
    expect(typeof first === 'object' ? first.key : first).toBe('n');
  });
});

describe('a payload for a schema', () => {
  it('may be checked asynchronously', async () => {
    const schema = z.string().refine((text) => Promise.resolve(text === 'good'));
    expect(await received(schema, 'good')).toBe('good');
    expect(await received(schema, 'bad')).toMatchObject({ status: 422 });
  });

  it('is refused where the schema throws', async () => {
    const schema = z.string().transform(() => {
      throw new Error('the schema is broken');
    });
    expect(await received(schema, 'x')).toMatchObject({
      status: 422,
      issues: [{ message: 'the schema is broken' }],
    });
  });

  it('that stands at a class is checked, and an instance of the class', async () => {
    class Checked {
      static readonly schema = z.object({ n: z.coerce.number() });
      n!: number;
      twice(): number {
        return this.n * 2;
      }
    }
    const checked = await received(Checked, { n: '21', other: 1 });
    expect(checked).toBeInstanceOf(Checked);
    expect((checked as Checked).twice()).toBe(42);
    expect(checked).not.toHaveProperty('other');
    expect(await received(Checked, { n: 'x' })).toMatchObject({ status: 422 });
  });

  it('stands in tables as it does in decorators, over HTTP too', async () => {
    const seen: unknown[] = [];
    @SubscriberService({
      topicHeader: 'X',
      headerResourceMap: { numbered: ['onNumbered', z.object({ n: z.number() })] },
    })
    class Tables {
      onNumbered(_n: Notification, payload: { n: number }): void {
        seen.push(payload.n);
      }
    }
    await using world = await openWorld();
    await world.listener.attachWithConfig(Tables, { target: world.target });
    await world.listener.start();
    const send = (body: string) =>
      world.hub.deliver(world.hub.subscription, body, { ...JSON_TYPE, headers: { x: 'numbered' } });
    expect((await send('{"n":1}')).status).toBe(202);
    expect((await send('{"n":"one"}')).status).toBe(422);
    expect(seen).toEqual([1]);
    expect(world.told.errors).toMatchObject([{ code: 'invalid_payload' }]);
    expect(world.told.errors[0]?.message).toMatch(/^onNumbered does not take this payload: n: /);
  });

  it('is answered 202 with onInvalidPayload: ack, and the method does not run', async () => {
    const { service: instance, given: seen } = taking(z.number());
    await using test = await testSubscriber(Object, { instance, config: { onInvalidPayload: 'ack' } });
    const result = await test.notify('x');
    expect(result).toMatchObject({ status: 202, handler: 'onAny', matchedBy: 'topic' });
    expect(result.error).toBeInstanceOf(PayloadValidationError);
    expect(seen).toEqual([]);
  });
});

describe('what a method declares and is not given', () => {
  /** What is logged when a service is attached. */
  async function warningsOf(service: object): Promise<readonly string[]> {
    const warnings: string[] = [];
    const logger = { ...silent, warn: (_fields: object, message: string) => warnings.push(message) };
    await new SubscriberListener(0, { logger }).attachWithConfig(service, { path: '/tickets' });
    return warnings;
  }

  it('is warned of at attach: a class that is not named as the type', async () => {
    class Forgotten {
      @OnEvent({ payload: ['a', 'b'] }) onA(_n: Notification, _issue: Ticket): void {}
    }
    expect(await warningsOf(new Forgotten())).toEqual([
      'onA declares a Ticket and is given the payload as parsed: name the class as its type',
    ]);
  });

  it('is warned of at attach: another class than the one named', async () => {
    class Other {
      id!: number;
      title!: string;
      loud!: string;
    }
    class Mixed {
      @OnEvent({ payload: ['a', 'b'] }, Other) onA(_n: Notification, _issue: Ticket): void {}
    }
    expect(await warningsOf(new Mixed())).toEqual([
      'onA declares a Ticket and is given a Other: name the same class',
    ]);
  });

  it('is not what is given, or a superclass of it, or no class', async () => {
    class Special extends Ticket {}
    class Right {
      @OnEvent({ payload: ['a', '1'] }, Ticket) onIssue(_n: Notification, _issue: Ticket): void {}
      @OnEvent({ payload: ['a', '2'] }, Special) onSpecial(_n: Notification, _issue: Ticket): void {}
      @OnEvent({ payload: ['a', '3'] }) onObject(_n: Notification, _object: { a: string }): void {}
      @OnEvent({ payload: ['a', '4'] }) onText(_n: Notification, _text: string): void {}
      @OnEvent({ payload: ['a', '5'] }, z.date()) onDate(_n: Notification, _date: Date): void {}
      @OnEvent({ payload: ['a', '6'] }) onNothing(): void {}
    }
    expect(await warningsOf(new Right())).toEqual([]);
  });
});
