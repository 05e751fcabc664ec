/** One program that every compiler makes something of, in either decorator mode; `observe` tells what it does. */
import {
  OnEvent,
  OnHeader,
  SubscriberService,
  testSubscriber,
  type Notification,
  type StandardSchemaV1,
} from '@websub/subscriber';

class Opened {
  id!: number;
  get name(): string {
    return `#${this.id}`;
  }
}

const Closed: StandardSchemaV1<unknown, { readonly at: Date }> = {
  '~standard': {
    version: 1,
    vendor: 'fixture',
    validate: (value) => ({ value: { at: new Date((value as { at: string }).at) } }),
  },
};

type Method = (this: unknown, ...args: unknown[]) => unknown;
const modes = new Set<string>();
let calls = 0;

/** A decorator of somebody else's, which puts another function in the method's place. */
function counted<F extends (...args: never[]) => unknown>(method: F, context: ClassMethodDecoratorContext): F;
function counted(target: object, key: string, descriptor: PropertyDescriptor): void;
function counted(
  target: object,
  at: string | ClassMethodDecoratorContext,
  descriptor?: PropertyDescriptor,
): Method | void {
  modes.add(typeof at === 'string' ? 'legacy' : 'TC39');
  const method = (descriptor === undefined ? target : descriptor.value) as Method;
  const counting: Method = function (...args) {
    calls++;
    return method.apply(this, args);
  };
  if (descriptor === undefined) return counting;
  Object.assign(descriptor, { value: counting });
}

const seen: string[] = [];

@SubscriberService({
  topicHeader: 'X-Event',
  headerResourceMap: { opened: ['onOpened', Opened] },
  payloadKeyResourceMap: { kind: { plain: ['onPlain'] } },
})
class Base {
  onOpened(_n: Notification, opened: Opened): void {
    seen.push(`opened ${opened.name}`);
  }

  onPlain(notification: Notification): void {
    seen.push(`plain ${JSON.stringify(notification.payload)}`);
  }

  @OnEvent({ header: ['X-Event', 'closed'] }, Closed)
  @counted
  onClosed(_n: Notification, closed: { readonly at: Date }): void {
    seen.push(`closed ${closed.at.getUTCFullYear()}`);
  }

  @counted
  @OnHeader('renamed')
  onRenamed(): void {
    seen.push('renamed in Base');
  }
}

/** Inherits options and marks, and overrides a method that is marked. */
class Derived extends Base {
  override onRenamed(): void {
    seen.push('renamed in Derived');
  }

  @OnEvent({ payload: ['kind', 'own'] })
  onOwn(): void {
    seen.push('own');
  }
}

export async function observe(): Promise<unknown> {
  await using test = await testSubscriber(Derived);
  const send = async (payload: unknown, event?: string): Promise<string> => {
    const headers: Record<string, string> = event === undefined ? {} : { 'X-Event': event };
    const { status, handler, matchedBy } = await test.notify(payload, { headers });
    return `${status} ${handler} ${matchedBy}`;
  };
  const answers = [
    await send({ id: 7 }, 'opened'),
    await send({ kind: 'plain' }),
    await send({ at: '2026-06-01' }, 'closed'),
    await send({}, 'renamed'),
    await send({ kind: 'own' }),
    await send({ kind: 'other' }),
  ];
  return { modes: [...modes], answers, seen, calls };
}
