import { Command } from 'commander';
import { survey, type Survey, type SurveyedLink } from '../discover/survey.js';
import { reachFor } from '../egress.js';
import { candidatesOf } from '../lifecycle/candidates.js';
import { FAILED } from './failure.js';
import { httpOf, withRequestFlags, type RequestFlags } from './request-flags.js';
import { harmless, print, table } from './terminal.js';

interface DiscoverFlags extends RequestFlags {
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

/** `websub discover URL`: every hub and self link of a page, and which a subscriber would use. */
export function discoverCommand(): Command {
  const command = new Command('discover')
    .description('show the hub and self links of a page or feed, and which would be used')
    .argument('<url>', 'the page or feed')
    .option('--accept <types>', 'the Accept header: a publisher may have a topic for each representation')
    .option('--accept-language <languages>', 'the Accept-Language header')
    .option('--json', 'print the result as JSON');
  return withRequestFlags(command).addHelpText('after', HELP).action(discover);
}

async function discover(url: string, flags: DiscoverFlags): Promise<void> {
  const { accept, acceptLanguage } = flags;
  const surveyed = await survey(url, {
    http: httpOf(flags),
    ...(accept === undefined ? {} : { accept }),
    ...(acceptLanguage === undefined ? {} : { acceptLanguage }),
  });
  print(
    flags.json === true ? JSON.stringify({ ...surveyed.discovery, links: surveyed.links }) : report(surveyed),
  );
  if (surveyed.discovery.hubs.length === 0) process.exitCode = FAILED;
}

const PLACES: Readonly<Record<SurveyedLink['via'], string>> = {
  'link-header': 'Link header',
  html: 'HTML page',
  atom: 'Atom feed',
  rss: 'RSS feed',
};

function report({ discovery, links }: Survey): string {
  const rows = links.map(({ rel, url, via, use, reason }) => [
    use === 'first' ? '->' : '',
    rel,
    PLACES[via],
    harmless(url),
    use === 'next' ? 'if the hubs before it refuse' : (reason ?? ''),
  ]);
  const found = table([['use', 'rel', 'found in', 'url', ''], ...rows]);
  return [discovery.url, ...(links.length === 0 ? [] : ['', found]), '', verdict(discovery)].join('\n');
}

function verdict(discovery: Survey['discovery']): string {
  if (discovery.hubs.length === 0) {
    return (
      'It names no hub, so nobody can subscribe to it here. Its publisher has to send a header such as\n' +
      `Link: <https://hub.example/>; rel="hub", <${harmless(discovery.self ?? discovery.url)}>; rel="self"`
    );
  }
  const { topic, hubs } = candidatesOf(discovery, reachFor(discovery.url, {}));
  const guessed = discovery.self === undefined ? ' (it names no self, so its own URL is taken)' : '';
  return `A subscriber asks ${harmless(hubs[0] ?? '')}\nfor the topic   ${harmless(topic)}${guessed}`;
}
