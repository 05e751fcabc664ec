import { reasonOf, systemClock, WebSubError, type ErrorCode } from '@websub/shared';
import { Command, Option, type CommanderError } from 'commander';
import { maintenanceCommands } from './cli-maintenance.js';
import { environmentOf, flagOf, OPTION_SPECS } from './cli-option-specs.js';
import { readStartOptions } from './cli-options.js';
import { createHub, type Hub } from './create-hub.js';
import { HubEmitter } from './events.js';
import { createLogger, logEvents } from './logging.js';
import type { HubOptions } from './hub-options.js';
import { OptionError } from './option-error.js';
import { resolveOptions } from './options.js';
import { VERSION } from './package-info.js';

const MISUSE = 2;
/** Starting again would come to the same until a person has done something (EX_CONFIG): a supervisor had better not. */
const NEEDS_A_PERSON = 78;
const WANTING_A_PERSON: ReadonlySet<string> = new Set<ErrorCode>([
  'store_damaged',
  'store_newer',
  'unknown_key',
]);
const DRAIN_SECONDS = 2;
const STOP_LIMIT_MS = 15_000;
/** After it has closed, however long that was put off. */
const CLOSE_LIMIT_MS = 13_000;

/** `websub-hub`: starts a hub and stops it gracefully at SIGTERM or SIGINT. */
async function main(argv: readonly string[]): Promise<void> {
  // Updates and callbacks are nobody else's, also in a folder that others may look into.
  process.umask(0o077);
  const program = new Command('websub-hub').description('A WebSub hub with a durable log').version(VERSION);
  const start = program.command('start').description('start a hub');
  for (const { name, kind, help, fallback } of OPTION_SPECS) {
    const value = kind === 'switch' ? '' : ` <${kind === 'numbers' || kind === 'list' ? 'a,b,…' : kind}>`;
    start.addOption(
      new Option(`${flagOf(name)}${value}`, `${help} (${environmentOf(name)}; default: ${fallback})`),
    );
  }
  start.addHelpText('after', EXAMPLES).action((flags: Record<string, unknown>) => run(flags));
  for (const command of [program, start, ...maintenanceCommands(program)]) {
    const path = command === program ? 'websub-hub' : `websub-hub ${command.name()}`;
    command
      .exitOverride((error) => leave(error, path))
      .configureOutput({ outputError: () => undefined })
      .showHelpAfterError(false);
  }
  await program.parseAsync([...argv]);
}

const EXAMPLES = `
Examples:
  websub-hub start --dev                                        on one machine, while you build
  websub-hub start --public-url https://hub.example.com/        behind a proxy that ends TLS
  WEBSUB_ADMIN_KEY=… websub-hub start --data /var/lib/websub    with the management API
`;

async function run(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { hub, logLevel, nameOf } = readStartOptions(flags, process.env);
  // Who embeds a hub stops it when nobody needs it; a signal comes while others still send.
  const options = { drainSeconds: hub.dev === true ? 0 : DRAIN_SECONDS, ...hub };
  const readable = options.dev === true && process.stdout.isTTY;
  const logger = createLogger({ level: logLevel, readable });
  const events = new HubEmitter();
  logEvents(events, logger);
  // Nothing is acknowledged after this; the next start reads what is on stable storage.
  events.on('store-lost', ({ error }) => fail(reasonOf(error), statusOf(error)));
  const starting = createHub(options, events);
  stopAtSignals(starting, events, stopLimitMs(options));
  try {
    await starting;
  } catch (error) {
    if (error instanceof OptionError) throw new OptionError(nameOf(error.option), error.complaint);
    if (isAboutTheStore(error)) fail(`${nameOf('data')}: ${error.message}`, statusOf(error));
    throw error;
  }
}

function stopLimitMs(options: HubOptions): number {
  try {
    return Math.max(STOP_LIMIT_MS, resolveOptions(options).drainMs + CLOSE_LIMIT_MS);
  } catch {
    // Wrong options are told of by the start.
    return STOP_LIMIT_MS;
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

function fail(sentence: string, status: number): never {
  process.stderr.write(`websub-hub: ${sentence.replaceAll('\n', ' ')}\n`);
  process.exit(status);
}

/** What commander ends with: help that it has shown, or a command line that is wrong. */
function leave({ exitCode, code, message }: CommanderError, path: string): never {
  if (exitCode === 0) process.exit(0);
  // Without a command it has shown the help.
  if (code === 'commander.help') process.exit(MISUSE);
  fail(`${message.replace(/^error: |\.$/g, '')}: see ${path} --help`, MISUSE);
}

main(process.argv).catch((error: unknown) => {
  if (error instanceof OptionError) fail(error.message, MISUSE);
  fail(reasonOf(error), statusOf(error));
});

function statusOf(error: unknown): number {
  return error instanceof WebSubError && WANTING_A_PERSON.has(error.code) ? NEEDS_A_PERSON : 1;
}
