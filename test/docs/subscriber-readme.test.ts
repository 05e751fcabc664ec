import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeHub } from '@websub/subscriber/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Site } from '../subscriber/world.js';
import { freePort } from '../support/free-port.js';
import { embedHub } from '../support/hub-in-process.js';
import { until } from '../support/until.js';
import { compile, type Compiled } from './compile.js';
import { Readme } from './readme.js';

// Each sample is a process, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const PATIENCE_MS = 50_000;

const readme = await Readme.read('packages/subscriber/README.md');
const FOLDER = new URL('../../packages/subscriber/', import.meta.url);
const TRACKER = 'https://tracker.example.com';

/** A sample in a process of its own. */
class Running {
  out = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(command: string, args: readonly string[], folder: string) {
    const bin = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    this.child = spawn(command, args, { cwd: folder, env });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    this.ended = once(this.child, 'close').then(([status]) => status as number | null);
  }

  /** Settles when it has written this; rejects when it ends before. */
  async writes(text: string): Promise<void> {
    await until(
      `"${text}" is written`,
      () => {
        if (this.out.includes(text)) return true;
        if (this.child.exitCode !== null) throw new Error(`the sample ended without "${text}":\n${this.out}`);
        return false;
      },
      PATIENCE_MS,
    ).catch((thrown: unknown) => {
      throw new Error(`the sample wrote:\n${this.out}`, { cause: thrown });
    });
  }
}

/** Where the samples of one section run: the hosts that they name, on this machine. */
interface Stage {
  readonly hub: FakeHub;
  readonly port: number;
  readonly site: string;
}

const site = await Site.start();
const stages = new Map<string, Stage>();
let compiled: Compiled;
let work: string;

/** The sample with the hosts that it names on this machine; nothing else is changed. */
function localised(
  text: string,
  { hub, port, site: blog }: { hub: { url: string }; port: number; site: string },
): string {
  return text
    .replaceAll('https://blog.example.com', blog)
    .replaceAll('https://hub.example.com/', hub.url)
    .replaceAll('https://me.example.com', `http://127.0.0.1:${port}`)
    .replaceAll(/\b(9090|3000)\b(?!_)/g, String(port));
}

/** A blog below the site, whose pages name the hub. */
function blogOf(hub: { readonly url: string }, name: string): string {
  const blog = `${site.url}/${name}`;
  for (const page of ['feed', 'news', 'podcast']) {
    const link = `<${hub.url}>; rel="hub", <${blog}/${page}>; rel="self"`;
    site.pages.set(`/${name}/${page}`, { headers: { link }, body: page });
  }
  return blog;
}

function nameOf(section: string): string {
  return section.toLowerCase().replace(/\W+/g, '-');
}

function stageOf(section: string): Stage {
  const stage = stages.get(section);
  if (stage === undefined) throw new Error(`there is no section ${section}`);
  return stage;
}

/** Runs the TypeScript of a section. */
async function withSample(
  section: string,
  play: (sample: Running, stage: Stage) => Promise<void>,
): Promise<void> {
  const sample = new Running(process.execPath, [join(compiled.folder, `${nameOf(section)}.js`)], work);
  try {
    await play(sample, stageOf(section));
  } finally {
    sample.child.kill('SIGKILL');
    await sample.ended;
  }
}

/** Settles when the hub has that many subscriptions. */
async function subscribed(sample: Running, hub: FakeHub, count = 1): Promise<void> {
  await until(
    `${count} subscriptions are there`,
    () => {
      if (sample.child.exitCode !== null) throw new Error(`the sample ended:\n${sample.out}`);
      return hub.subscriptions.size >= count;
    },
    PATIENCE_MS,
  );
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'websub-readme-'));
  const programs = new Map([['tables.ts', programOfTables()]]);
  for (const section of readme.sections('ts')) {
    const hub = await FakeHub.start();
    const stage = { hub, port: await freePort(), site: blogOf(hub, nameOf(section)) };
    stages.set(section, stage);
    programs.set(`${nameOf(section)}.ts`, localised(readme.program(section, 'ts'), stage));
  }
  compiled = await compile(programs);
});

afterAll(async () => {
  for (const { hub } of stages.values()) await hub.close();
  await site[Symbol.asyncDispose]();
  await rm(work, { recursive: true });
});

/** Compiles if the tables name every option and every event, and nothing else. */
function programOfTables(): string {
  const [service = [], listener = []] = readme.firstColumn('Options', 'option');
  const [events = []] = readme.firstColumn('Events', 'event');
  const [codes = []] = readme.firstColumn('Errors', 'code');
  const literal = (names: readonly string[]): string => `{ ${names.map((name) => `${name}: 1`).join(', ')} }`;
  return `import type { ErrorCode, ListenerOptions, SubscriberEvents, SubscriberServiceOptions } from '@websub/subscriber';
export const service: Record<keyof SubscriberServiceOptions, 1> = ${literal(service)};
export const listener: Record<keyof ListenerOptions, 1> = ${literal(listener)};
export const events: Record<keyof SubscriberEvents, 1> = ${literal(events)};
export const codes: Partial<Record<ErrorCode, 1>> = ${literal(codes)};
`;
}

/** What shows that the sample of a section works. */
const plays: Readonly<Record<string, (sample: Running, stage: Stage) => Promise<void>>> = {
  'First subscriber': async (sample, { hub, site: blog }) => {
    await subscribed(sample, hub);
    await hub.deliver(hub.subscription, 'hello', { contentType: 'text/plain' });
    await sample.writes(`${blog}/feed hello`);
  },
  Discovery: async (sample, { hub, site: blog }) => {
    await sample.writes(`${blog}/feed link-header`);
    await subscribed(sample, hub, 3);
    await hub.deliver(hub.subscriptionTo(`${TRACKER}/wiki`), '{}');
    await sample.writes('an update');
  },
  Verification: async (sample, { hub, site: blog }) => {
    await sample.writes(`true ${blog}/feed 864000`);
    await subscribed(sample, hub);
    const { callback, topic } = hub.subscription;
    await hub.deny(callback, topic, 'members only');
    await sample.writes(`the hub denied ${blog}/feed: members only`);
  },
  Dispatch: async (sample, { hub }) => {
    await subscribed(sample, hub, 2);
    const issues = hub.subscriptionTo(`${TRACKER}/issues`);
    await hub.deliver(issues, '{"id":1,"title":"slow"}', { headers: { 'X-Event': 'issueOpened' } });
    await sample.writes('opened: slow');
    await hub.deliver(issues, '{}', { headers: { 'X-Event': 'issueMoved' } });
    await sample.writes('something else: {}');
    const wiki = hub.subscriptionTo(`${TRACKER}/wiki`);
    await hub.deliver(wiki, '{"page":{"space":"docs"}}', { headers: { 'X-Event': 'pageEdited' } });
    await sample.writes('docs were edited');
    await hub.deliver(wiki, '{"action":"deleted"}');
    await sample.writes('a page was deleted');
  },
  'Payload types': async (sample, { hub }) => {
    await subscribed(sample, hub);
    await hub.deliver(hub.subscription, '{"action":"closed","id":7,"closedAt":"2026-02-03"}');
    await sample.writes('7 was closed in 2026');
    expect((await hub.deliver(hub.subscription, '{"action":"closed","id":"x"}')).status).toBe(422);
    await sample.writes('onClosed does not take this payload: id:');
  },
  'Several topics': async (sample, { hub, site: blog }) => {
    await sample.writes(`${blog}/news active`);
    expect(hub.requests.map(({ mode }) => mode)).toEqual(
      expect.arrayContaining(['subscribe', 'unsubscribe']) as unknown,
    );
    await hub.deliver(hub.subscriptionTo(`${blog}/news`), '{}');
    await sample.writes(`news of ${blog}/news`);
  },
  Handlers: async (sample, { hub }) => {
    await subscribed(sample, hub);
    const text = { contentType: 'text/plain' };
    expect(await hub.deliver(hub.subscription, 'hello', text)).toMatchObject({
      status: 200,
      body: 'thank you',
    });
    await sample.writes('mail: hello');
    const busy = await hub.deliver(hub.subscription, 'busy', text);
    expect([busy.status, busy.header('retry-after')]).toEqual([503, '30']);
    expect((await hub.deliver(hub.subscription, 'enough', text)).status).toBe(410);
  },
  Persistence: async (sample, { hub }) => {
    await sample.writes('1 new, 0 as before');
    await subscribed(sample, hub);
    sample.child.kill('SIGKILL');
    await sample.ended;
    await withSample('Persistence', async (again) => {
      await again.writes('0 new, 1 as before');
      expect((await hub.deliver(hub.subscription, '{}')).status).toBe(202);
      await again.writes('an update');
    });
  },
  'Beside express': async (sample, { hub, port }) => {
    await subscribed(sample, hub);
    await hub.deliver(hub.subscription, '{}');
    await sample.writes('an update');
    const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"tea":2}' };
    expect(await (await fetch(`http://127.0.0.1:${port}/orders`, order)).json()).toEqual({ tea: 2 });
  },
  'node:http and fetch': async (sample, { hub, port }) => {
    await subscribed(sample, hub);
    await hub.deliver(hub.subscription, '{}');
    await sample.writes('an update');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('my page');
  },
  Nest: async (sample, { hub }) => {
    await subscribed(sample, hub);
    await hub.deliver(hub.subscription, 'hello', { contentType: 'text/plain' });
    await sample.writes('saved: hello');
  },
  Stopping: async (sample, { hub, site: blog }) => {
    expect(await sample.ended).toBe(0);
    expect(sample.out).toBe(`no more of ${blog}/feed\n`);
    expect(hub.subscriptions.size).toBe(0);
  },
  Testing: async (sample) => {
    expect([await sample.ended, sample.out]).toEqual([0, expect.stringMatching(/ pass 4\n. fail 0\n/)]);
  },
};

describe("the subscriber's README", () => {
  it('has samples that compile, and tables of every option and event', () => {
    expect(compiled.complaints).toBe('');
  });

  it('has no sample that is not run here', () => {
    expect(readme.sections('ts')).toEqual(Object.keys(plays));
  });

  it.each(Object.entries(plays))('%s runs as written, but for the hosts', async (section, play) => {
    await withSample(section, play);
  });

  it('has commands that do what they say', async () => {
    const hub = await embedHub();
    const stage = { hub, port: await freePort(), site: blogOf(hub, 'commands') };
    const lines = localised(readme.program('Command line', 'sh'), stage).split('\n').filter(Boolean);
    try {
      for (const line of lines) {
        const command = new Running('bash', ['-c', line.includes('|') ? line : `exec ${line}`], work);
        if (line.startsWith('websub listen')) {
          await command.writes('subscribed to');
          command.child.kill('SIGINT');
        }
        expect([line, await command.ended, command.out]).toEqual([line, 0, expect.any(String)]);
      }
      expect(lines).toHaveLength(5);
    } finally {
      await hub.stop();
    }
  });

  it('links to what is there', () => {
    const anchors = [...readme.text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const targets = [...readme.text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    const missing = targets.filter((target) =>
      target.startsWith('#')
        ? !anchors.includes(target.slice(1))
        : !target.startsWith('https:') && !existsSync(new URL(target, FOLDER)),
    );
    expect(missing).toEqual([]);
  });
});
