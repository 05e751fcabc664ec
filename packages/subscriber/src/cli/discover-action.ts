import { survey, type Survey, type SurveyedLink } from '../discover/survey.js';
import { reachFor } from '../egress.js';
import { candidatesOf } from '../lifecycle/candidates.js';
import type { DiscoverFlags } from './discover-command.js';
import { FAILED } from './failure.js';
import { httpOf } from './request-flags.js';
import { harmless, print, table } from './terminal.js';

/** Prints every hub and self link of a page, and which a subscriber would use. */
export async function discover(url: string, flags: DiscoverFlags): Promise<void> {
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
