import { Command, Option, type CommanderError } from 'commander';
import { fail, failWith, MISUSE } from './cli-failure.js';
import { maintenanceCommands } from './cli-maintenance.js';
import { environmentOf, flagOf, keyOf, OPTION_SPECS } from './cli-option-specs.js';
import { VERSION } from './package-info.js';

const EXAMPLES = `
Examples:
  websub-hub start --dev                                        on one machine, while you build
  websub-hub start --public-url https://hub.example.com/        behind a proxy that ends TLS
  WEBSUB_ADMIN_KEY=… websub-hub start --data /var/lib/websub    with the management API
`;

/** `websub-hub`. A command loads what it needs when it runs: help, the version and a wrong flag do without a hub. */
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
    // Without it nothing on the command line could win over a switch that the environment or the file turns on.
    if (kind === 'switch') start.addOption(new Option(`--no-${keyOf(name)}`).hideHelp());
  }
  start
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Record<string, unknown>) => (await import('./cli-start.js')).start(flags));
  for (const command of [program, start, ...maintenanceCommands(program)]) {
    const path = command === program ? 'websub-hub' : `websub-hub ${command.name()}`;
    command
      .exitOverride((error) => leave(error, path))
      .configureOutput({ outputError: () => undefined })
      .showHelpAfterError(false);
  }
  await program.parseAsync([...argv]);
}

/** What commander ends with: help that it has shown, or a command line that is wrong. */
function leave({ exitCode, code, message }: CommanderError, path: string): never {
  if (exitCode === 0) process.exit(0);
  // Without a command it has shown the help.
  if (code === 'commander.help') process.exit(MISUSE);
  fail(`${message.replace(/^error: |\.$/g, '')}: see ${path} --help`, MISUSE);
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads may leave before the end, as `head` does.
  if (error.code !== 'EPIPE') failWith(error);
});
main(process.argv).catch(failWith);
