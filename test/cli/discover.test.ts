import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Site } from '../subscriber/world.js';
import { websub } from '../support/websub-process.js';

let site: Site;
beforeAll(async () => void (site = await Site.start()));
afterAll(() => site[Symbol.asyncDispose]());

const ATOM = `<feed xmlns="http://www.w3.org/2005/Atom">
  <link rel="hub" href="https://feed-hub.example/"/><link rel="self" href="https://p.example/feed"/>
  <link rel="alternate" href="https://p.example/"/></feed>`;

// Each test is a process or two, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

describe('websub discover', () => {
  it('shows every link of headers and body, and which a subscriber would use', async () => {
    site.pages.set('/feed', {
      headers: {
        'content-type': 'application/atom+xml',
        link: [
          '<https://one.example/>; rel="hub", <https://two.example/>; rel="hub"',
          '<https://one.example/>; rel="hub", <ftp://no.example/>; rel="hub", </style.css>; rel="preload"',
        ],
      },
      body: ATOM,
    });
    const { status, stdout, stderr } = await websub(['discover', `${site.url}/feed`]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`${site.url}/feed

use  rel   found in     url
->   hub   Link header  https://one.example/
     hub   Link header  https://two.example/       if the hubs before it refuse
     hub   Link header  https://one.example/       repeated
     hub   Link header  ftp://no.example/          no web URL
     hub   Atom feed    https://feed-hub.example/  another comes first
->   self  Atom feed    https://p.example/feed

A subscriber asks https://one.example/
for the topic   https://p.example/feed
`);
  });

  it('prints the same as JSON', async () => {
    site.pages.set('/page', {
      headers: { 'content-type': 'text/html' },
      body: '<html><head><link rel="hub" href="/hub"><link rel=self href="/page">',
    });
    const { status, stdout } = await websub(['discover', `${site.url}/page`, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      hubs: [`${site.url}/hub`],
      self: `${site.url}/page`,
      via: 'html',
      url: `${site.url}/page`,
      links: [
        { rel: 'hub', url: `${site.url}/hub`, via: 'html', use: 'first' },
        { rel: 'self', url: `${site.url}/page`, via: 'html', use: 'first' },
      ],
    });
  });

  it('follows redirects, and names the page that answered', async () => {
    site.pages.set('/old', { status: 301, headers: { location: '/new' } });
    site.pages.set('/new', { headers: { link: '<https://one.example/>; rel=hub' } });
    const { status, stdout } = await websub(['discover', `${site.url}/old`]);
    expect(status).toBe(0);
    expect(stdout).toContain(`${site.url}/new\n`);
    expect(stdout).toContain(`${site.url}/new (it names no self, so its own URL is taken)`);
  });

  it('says with status 1 what the publisher has to do when there is no hub', async () => {
    site.pages.set('/none', { headers: { 'content-type': 'text/html' }, body: '<html>' });
    const { status, stdout } = await websub(['discover', `${site.url}/none`]);
    expect(status).toBe(1);
    expect(stdout).toContain('It names no hub');
    expect(stdout).toContain(`rel="hub", <${site.url}/none>; rel="self"`);
  });

  it('sends the headers that it is given', async () => {
    site.pages.set('/language', { headers: { link: '<https://one.example/>; rel=hub' } });
    await websub([
      'discover',
      `${site.url}/language`,
      '--accept-language',
      'de',
      '--accept',
      'text/html',
      '-H',
      'Authorization: Bearer k',
      '--header',
      'X-A: b: c',
    ]);
    expect(site.requests.at(-1)?.headers).toMatchObject({
      accept: 'text/html',
      'accept-language': 'de',
      authorization: 'Bearer k',
      'x-a': 'b: c',
    });
  });

  it('lets no page write to the terminal', async () => {
    site.pages.set('/evil', {
      headers: { 'content-type': 'text/html' },
      body: '<link rel="hub" href="ftp://\u001b]0;owned\u0007">',
    });
    const { stdout } = await websub(['discover', `${site.url}/evil`]);
    expect(stdout).toContain('ftp://');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    ['a URL that is none', ['discover', 'blog'], 2, 'url is not a URL: send an absolute http or https URL'],
    ['nobody there', ['discover', 'http://127.0.0.1:9/'], 1, 'Check that it is running'],
    ['a private address', ['discover', 'http://10.0.0.1/'], 1, 'add --allow-private-networks'],
    ['no URL', ['discover'], 2, "missing required argument 'url': see websub discover --help"],
    [
      'a header without a colon',
      ['discover', 'http://a.example/', '-H', 'x'],
      2,
      'Write it as "Name: value": see websub discover --help',
    ],
    ['an unknown command', ['discovr', 'x'], 2, 'Did you mean discover?'],
    ['an unknown flag', ['discover', 'x', '--jsn'], 2, 'Did you mean --json?'],
  ])('tells the cure for %s, in one line', async (_, args, status, cure) => {
    const ended = await websub(args);
    expect(ended).toMatchObject({ status, stdout: '' });
    expect(ended.stderr).toMatch(/^websub: [^\n]+\n$/);
    expect(ended.stderr).toContain(cure);
  });
});

describe('websub', () => {
  it.each(['discover', 'listen', 'publish', 'verify-signature'])(
    'helps with %s, by examples too',
    async (command) => {
      const { status, stdout } = await websub([command, '--help']);
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: websub ${command}`);
      expect(stdout).toMatch(new RegExp(`Examples:\n(.*\n)*.*websub ${command} `));
    },
  );

  it('tells its version, and helps when it is told nothing', async () => {
    expect(await websub(['--version'])).toMatchObject({ status: 0, stdout: '0.1.0\n' });
    const { status, stderr } = await websub([]);
    expect(status).toBe(2);
    expect(stderr).toContain('websub listen https://blog.example.com/feed');
  });

  it('helps with status 2 where it is asked about a command that there is not', async () => {
    const ended = await websub(['help', 'discovr']);
    expect(ended).toMatchObject({ status: 2, stdout: '' });
    expect(ended.stderr).toContain('discover [options] <url>');
  });
});
