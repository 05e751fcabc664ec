import { Command } from 'commander';
import { withRequestFlags, type RequestFlags } from './request-flags.js';

export interface DiscoverFlags extends RequestFlags {
  readonly accept?: string;
  readonly acceptLanguage?: string;
  readonly json?: true;
}

const HELP = `
A subscriber takes the hubs of the first place that names one: Link headers, then the <link> elements of
an HTML page, an Atom or an RSS feed. The status is 1 when no hub was found.

Examples:
  websub discover https://blog.example.com/feed
  websub discover https://blog.example.com/ --accept application/atom+xml
  websub discover https://blog.example.com/feed --json | jq -r '.hubs[0]'
`;

/** `websub discover URL`. */
export function discoverCommand(): Command {
  const command = new Command('discover')
    .description('show the hub and self links of a page or feed, and which would be used')
    .argument('<url>', 'the page or feed')
    .option('--accept <types>', 'the Accept header: a publisher may have a topic for each representation')
    .option('--accept-language <languages>', 'the Accept-Language header')
    .option('--json', 'print the result as JSON');
  return withRequestFlags(command)
    .addHelpText('after', HELP)
    .action(async (url: string, flags: DiscoverFlags) =>
      (await import('./discover-action.js')).discover(url, flags),
    );
}
