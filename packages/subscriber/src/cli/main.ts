import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { discoverCommand } from './discover-command.js';
import { failureOf, misuseOf } from './failure.js';
import { listenCommand } from './listen-command.js';
import { publishCommand } from './publish-command.js';
import { tell } from './terminal.js';
import { verifySignatureCommand } from './verify-signature-command.js';

const EXAMPLES = `
Examples:
  websub discover https://blog.example.com/feed      which hub and topic does this page name?
  websub listen https://blog.example.com/feed --public-url https://me.example.com --port 9090
  websub publish https://blog.example.com/feed       tell the hub that it changed
  websub verify-signature --signature sha256=… --secret … body.json

websub COMMAND --help tells the options of a command.
`;

/** `websub`. What a command does is loaded when it runs: help, the version and a wrong flag do without. */
async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('websub')
    .description('Look at, subscribe to and publish WebSub topics from a terminal')
    .version(version())
    .addHelpText('after', EXAMPLES);
  for (const command of [discoverCommand(), listenCommand(), publishCommand(), verifySignatureCommand()])
    program.addCommand(command);
  for (const command of [program, ...program.commands])
    command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
      throw misuseOf(error, command === program ? 'websub' : `websub ${command.name()}`);
    });
  await program.parseAsync([...argv]);
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

function endWith(thrown: unknown): void {
  const { line, status } = failureOf(thrown);
  if (line !== undefined) tell(`websub: ${line}`);
  process.exitCode = status;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads may leave before the end, as `head` does.
  if (error.code !== 'EPIPE') endWith(error);
});
main(process.argv).catch(endWith);
