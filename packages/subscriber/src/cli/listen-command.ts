import { Command, Option } from 'commander';
import { port, positive, withRequestFlags, type RequestFlags } from './request-flags.js';

export interface ListenFlags extends RequestFlags {
  readonly hub?: string;
  readonly publicUrl?: string;
  readonly host?: string;
  readonly port?: number;
  readonly lease: number;
  readonly secret?: string | false;
  readonly count?: number;
  readonly json?: true;
}

const HELP = `
Notifications are printed on standard output, everything else on standard error. Ctrl-C unsubscribes; a second
one leaves at once. A hub on another machine must reach this one: --public-url is the address under which it does,
such as that of a tunnel to --port.

Examples:
  websub listen http://127.0.0.1:8000/feed                              hub and page on this machine
  websub listen https://blog.example.com/feed --port 9090 --public-url https://me.example.com/
  websub listen https://api.example.com/issues --hub https://hub.example.com/ --public-url …
  websub listen http://127.0.0.1:8000/feed --json --count 1 | jq -r .body
`;

/** `websub listen RESOURCE`. */
export function listenCommand(): Command {
  const command = new Command('listen')
    .description('subscribe to a page, feed or topic, and print its notifications')
    .argument('<resource>', 'the page or feed that names its hub; with --hub the topic itself')
    .option('--hub <url>', 'the hub; default: the one that the resource names')
    .option('--public-url <url>', 'under which URL the hub reaches this machine')
    .option(
      '--port <number>',
      'the port to listen on; default: the one in --public-url; without a --public-url a free one',
      port,
    )
    .option('--host <address>', 'the address to listen on; default: all with --public-url, else 127.0.0.1')
    .option(
      '--lease <seconds>',
      'how long the hub is to deliver if this process dies; it is renewed',
      positive,
      3_600,
    )
    .addOption(
      new Option('--secret <secret>', 'default: a random one, so that all deliveries are signed').env(
        'WEBSUB_SECRET',
      ),
    )
    .option('--no-secret', 'none: deliveries are not signed')
    .option('--count <number>', 'end after so many notifications', positive)
    .option('--json', 'print each notification as one line of JSON');
  return withRequestFlags(command)
    .addHelpText('after', HELP)
    .action(async (resource: string, flags: ListenFlags) =>
      (await import('./listen-action.js')).listen(resource, flags),
    );
}
