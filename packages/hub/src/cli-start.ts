import { reasonOf, systemClock, WebSubError } from '@websub/shared';
import { fail, failWith, statusOf } from './cli-failure.js';
import { readStartOptions } from './cli-options.js';
import type { Hub } from './create-hub.js';
import { HubEmitter } from './events.js';
import type { HubOptions } from './hub-options.js';
import { OptionError } from './option-error.js';
import { resolveOptions } from './options.js';

const DRAIN_SECONDS = 2;
const STOP_LIMIT_MS = 15_000;
/** After it has closed, however long that was put off. */
const CLOSE_LIMIT_MS = 13_000;

/** `websub-hub start`: starts a hub and stops it gracefully at SIGTERM or SIGINT. */
export async function start(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { hub, logLevel, nameOf } = readStartOptions(flags, process.env);
  // Who embeds a hub stops it when nobody needs it; a signal comes while others still send.
  const options: HubOptions = { drainSeconds: hub.dev === true ? 0 : DRAIN_SECONDS, ...hub };
  try {
    const { drainMs } = resolveOptions(options);
    // Most of a start: who has to correct an option need not wait for it.
    const [{ createHub }, { createLogger, logEvents }] = await Promise.all([
      import('./create-hub.js'),
      import('./logging.js'),
    ]);
    const events = new HubEmitter();
    const readable = options.dev === true && process.stdout.isTTY;
    logEvents(events, createLogger({ level: logLevel, readable }));
    // Nothing is acknowledged after this; the next start reads what is on stable storage.
    events.on('store-lost', ({ error }) => failWith(error));
    const starting = createHub(options, events);
    stopAtSignals(starting, events, Math.max(STOP_LIMIT_MS, drainMs + CLOSE_LIMIT_MS));
    await starting;
  } catch (error) {
    if (error instanceof OptionError) throw new OptionError(nameOf(error.option), error.complaint);
    if (isAboutTheStore(error)) fail(`${nameOf('data')}: ${error.message}`, statusOf(error));
    throw error;
  }
}

function isAboutTheStore(error: unknown): error is WebSubError {
  return error instanceof WebSubError && error.code.startsWith('store_');
}

/** Also while the hub starts: it is stopped as soon as it is up. */
function stopAtSignals(starting: Promise<Hub>, events: HubEmitter, limitMs: number): void {
  let stalled = false;
  events.on('store-stalled', () => (stalled = true));
  events.on('store-resumed', () => (stalled = false));
  const stop = (): void => {
    // Whatever does not end by then is cut off; it is on stable storage or was never acknowledged.
    systemClock.after(limitMs, () => {
      // A thread that waits for the disk cannot be ended otherwise, and an exit would wait for it.
      if (stalled) process.kill(process.pid, 'SIGKILL');
      process.exit(0);
    });
    starting
      .then((hub) => hub.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(`the hub could not save everything: ${reasonOf(error)}`, 1),
      );
  };
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // A second signal changes nothing: whoever sends both means the same.
    process.on(signal, () => {
      if (!stopping) stop();
      stopping = true;
    });
  }
}
