import type { AttachedService } from '../attached-service.js';
import { reachFor } from '../egress.js';
import { WebSubError } from '../errors.js';
import { SubscriberListener } from '../listener.js';
import type { Logger } from '../logger.js';
import type { Notification } from '../messages.js';
import { Ending } from './ending.js';
import { CommandFailure, inFlags, MISUSED } from './failure.js';
import type { ListenFlags } from './listen-command.js';
import { asJson, asText } from './notification-text.js';
import { httpOf } from './request-flags.js';
import { harmless, print, tell } from './terminal.js';

/** Subscribes, prints what comes, and unsubscribes at the end. */
export async function listen(resource: string, flags: ListenFlags): Promise<void> {
  const life: { stage: 'asking' | 'subscribed' | 'denied' } = { stage: 'asking' };
  const end = new Ending(() => {
    if (life.stage === 'subscribed') tell('unsubscribing; Ctrl-C again leaves at once');
  });
  const listener = listenerOf(flags, flags.hub ?? resource);
  listener
    .on('verified', () => (life.stage = 'subscribed'))
    .on('denied', ({ reason }) => {
      life.stage = 'denied';
      end.fail(`the hub denied the subscription: ${harmless(reason ?? 'it gave no reason')}`);
    })
    .on('expired', () => tell('the lease ended before it could be renewed; subscribing anew'));
  const service = await listener.attachWithConfig(new Printer(flags, end), {
    target: flags.hub === undefined ? { resource } : { hub: flags.hub, topic: resource },
    leaseSeconds: flags.lease,
    unsubscribeOnShutdown: true,
    httpConfig: httpOf(flags),
    ...(flags.secret === undefined ? {} : { secret: flags.secret }),
  });
  const subscribing = subscribe(listener, service, flags);
  try {
    await Promise.race([subscribing.then(() => end.reached), end.reached]);
  } finally {
    // Ctrl-C may come before the hub has answered; nobody waits for its answer then.
    subscribing.catch(() => undefined);
    // What the hub has not verified there is nothing to end of, and it cannot be verified any more.
    await (life.stage === 'asking' ? listener.immediateStop() : listener.gracefulStop());
  }
  if (life.stage === 'subscribed') tellOfEnd(service);
  else tell('ended before the hub had verified the subscription: it delivers nothing');
}

function listenerOf(
  { publicUrl, host, timeout, ...flags }: ListenFlags,
  hubOrResource: string,
): SubscriberListener {
  if (publicUrl === undefined && isElsewhere(hubOrResource)) {
    throw new CommandFailure(
      'the hub is on another machine and has to reach this one: give --public-url, such as that of a tunnel to --port',
      MISUSED,
    );
  }
  return new SubscriberListener(flags.port ?? portOf(publicUrl), {
    failFast: true,
    gracefulShutdownPeriod: timeout * 1_000,
    logger: complaints,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(host === undefined ? {} : { host }),
  });
}

/** Without a public URL any port will do. */
function portOf(publicUrl: string | undefined): number {
  if (publicUrl === undefined) return 0;
  // The listener tells what is wrong with it.
  if (!/^https?:/i.test(publicUrl) || !URL.canParse(publicUrl)) return 0;
  const stated = new URL(publicUrl).port;
  if (stated !== '') return Number(stated);
  throw new CommandFailure(
    '--port is missing: give the port to which what is behind --public-url passes requests on',
    MISUSED,
  );
}

async function subscribe(
  listener: SubscriberListener,
  service: AttachedService,
  { timeout, publicUrl }: ListenFlags,
): Promise<void> {
  await listener.start();
  try {
    await service.verified({ timeoutMs: timeout * 1_000 });
  } catch (thrown) {
    if (!(thrown instanceof WebSubError) || thrown.code !== 'timeout') throw thrown;
    const cure = publicUrl === undefined ? 'check its log' : `check that it reaches ${publicUrl}`;
    throw new CommandFailure(`the hub took the request, but did not verify it within ${timeout} s: ${cure}`);
  }
  for (const { topic, hub } of service.subscriptions)
    tell(`subscribed to ${harmless(topic)} at ${harmless(hub)}; Ctrl-C unsubscribes`);
}

function tellOfEnd({ subscriptions }: AttachedService): void {
  const open = subscriptions.find(({ state }) => state === 'active');
  if (open === undefined) return tell('unsubscribed');
  const until = open.expiresAt?.toISOString() ?? 'the lease ends';
  throw new CommandFailure(`the hub did not confirm the end: it delivers in vain until ${until}`);
}

/** The subscriber: prints what it is given, and ends after `--count`. */
class Printer {
  readonly #json: boolean;
  readonly #end: Ending;
  #left: number;

  constructor({ json, count }: ListenFlags, end: Ending) {
    this.#json = json === true;
    this.#end = end;
    this.#left = count ?? Infinity;
  }

  onEventNotification(notification: Notification): void {
    if (this.#left <= 0) return;
    print(this.#json ? asJson(notification) : asText(notification));
    if (--this.#left === 0) this.#end.now();
  }
}

/** Whether a hub there could not reach a listener that is on this machine's loopback address. */
function isElsewhere(url: string): boolean {
  return URL.canParse(url) && reachFor(url, {}) !== 'loopback';
}

/** What goes wrong beside the subscription's own life, of which this command tells itself. */
const complaints: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_fields, message) => tell(`websub: ${inFlags(message)}`),
};
