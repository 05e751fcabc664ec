import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  formatLinkHeader,
  intentUrl,
  parseHubRequest,
  type HttpClient,
  type HttpRequest,
  type SubscribeRequest,
  type UnsubscribeRequest,
} from '@websub/shared';
import * as subscriber from '@websub/subscriber';
import type express from 'express';
import { describe, expect, it, vi } from 'vitest';

const here = (path: string): string => fileURLToPath(new URL(`api/${path}`, import.meta.url));
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

/** What the compiler says; each `@ts-expect-error` in the files that is none is an error too. */
async function compile(project: string): Promise<string> {
  return promisify(execFile)(process.execPath, [tsc, '-p', here(project)]).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stdout: string }).stdout,
  );
}

// The compiler is started, which takes long where much else runs.
describe('the public API', { timeout: 120_000 }, () => {
  it.each([
    ['legacy', 'tsconfig.json'],
    ['TC39', 'tsconfig.tc39.json'],
  ])('compiles as declared and as sampled, and refuses what is wrong, in %s mode', async (_mode, project) => {
    expect(await compile(project)).toBe('');
  });

  it('has every name that was declared, and each is held to its declaration', async () => {
    const text = await readFile(here('subscriber-api.d.ts'), 'utf8');
    const held = await readFile(here('declared.ts'), 'utf8');
    const names = [...text.matchAll(/^export (declare )?(interface|type|class|function|const) (\w+)/gm)].map(
      ([, , kind, name = '']) => ({ kind, name }),
    );
    expect(names.length).toBeGreaterThan(40);
    const isHeld = ({ name }: { readonly name: string }): boolean =>
      new RegExp(`^  ${name}: `, 'm').test(held);
    expect(names.filter((one) => !isHeld(one))).toEqual([]);
    const values = names.filter(({ kind }) => kind === 'class' || kind === 'function' || kind === 'const');
    expect(values.filter(({ name }) => !Object.hasOwn(subscriber, name))).toEqual([]);
  });
});

/** The hub and the pages of the samples, without a network. */
const internet = vi.hoisted(() => ({
  asked: [] as string[],
  /** Where hubs reach the subscriber: what would be a proxy at me.example.com. */
  ask: (_url: string): Promise<Response> => Promise.reject(new Error('nobody listens')),
}));

class Internet implements HttpClient {
  async send({ method, url, body }: HttpRequest) {
    const response = { kind: 'response', headers: {}, body: new Uint8Array() } as const;
    if (method !== 'POST') {
      const link = formatLinkHeader([
        { rel: 'hub', href: 'https://hub.example.com/' },
        { rel: 'self', href: url },
      ]);
      return { ...response, status: 200, headers: { link } };
    }
    const request = parseHubRequest(Buffer.from(body ?? ''));
    if (request.mode !== 'subscribe' && request.mode !== 'unsubscribe') return { ...response, status: 400 };
    await this.#verify(request);
    return { ...response, status: 202 };
  }

  async #verify({ mode, topic, callback }: SubscribeRequest | UnsubscribeRequest): Promise<void> {
    const lease = mode === 'subscribe' ? { leaseSeconds: 86_400 } : {};
    const query = intentUrl(callback, { mode, topic, challenge: 'xyz', ...lease });
    const answer = await internet.ask(query);
    internet.asked.push(`${mode} ${topic} ${answer.status} ${await answer.text()}`);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const listeners = vi.hoisted((): subscriber.SubscriberListener[] => []);

// The package as it is, but for the network, and for a port that is free.
vi.mock('./api/api.js', () => ({
  ...subscriber,
  SubscriberListener: class extends subscriber.SubscriberListener {
    constructor(
      on: ConstructorParameters<typeof subscriber.SubscriberListener>[0],
      options: subscriber.ListenerOptions,
    ) {
      super(typeof on === 'number' ? 0 : on, { ...options, ports: { http: new Internet() } });
      listeners.push(this);
    }
  },
}));

const servers = vi.hoisted((): Server[] => []);

vi.mock('express', async (original) => {
  const real = await original<{ readonly default: typeof express }>();
  const create = (): ReturnType<typeof real.default> => {
    const app = real.default();
    const listen = app.listen.bind(app);
    return Object.assign(app, {
      listen(_port: number, listening: () => void) {
        const server = listen(0, '127.0.0.1', () => {
          servers.push(server);
          listening();
        });
        return server;
      },
    });
  };
  return { default: Object.assign(create, real.default) };
});

const saved: unknown[] = [];
vi.stubGlobal('db', { save: (what: unknown) => Promise.resolve(saved.push(what)) });
// By a path that the compiler does not follow: the samples are compiled by settings of their own.
const samples = (await import(here('subscriber-samples.ts'))) as Readonly<
  Record<'standalone' | 'mounted' | 'tests', () => Promise<void>>
>;

describe('the samples', () => {
  it('run standalone: attach, start, attach late, subscribe at run time, stop', async () => {
    internet.ask = (url) => Promise.resolve(listeners.at(-1)?.fetch(new Request(url)) ?? new Response());
    await samples.standalone();
    expect(internet.asked.splice(0)).toEqual([
      'subscribe https://api.example.com/issues 200 xyz',
      'subscribe https://blog.example.com/feed 200 xyz',
      'subscribe https://api.example.com/repo/42 200 xyz',
    ]);
  });

  it('run on an express app, below the path where they are mounted', async () => {
    internet.ask = (url) => {
      const { pathname, search } = new URL(url);
      const address = servers[0]?.address() as AddressInfo | undefined;
      return fetch(`http://127.0.0.1:${address?.port}${pathname}${search}`);
    };
    await samples.mounted();
    await vi.waitFor(() => expect(internet.asked).toHaveLength(1), { timeout: 5_000 });
    expect(internet.asked).toEqual(['subscribe https://api.example.com/issues 200 xyz']);
    const [view] = (await listeners.at(-1)?.subscriptions.list()) ?? [];
    expect(view?.callback).toMatch(/^https:\/\/me\.example\.com\/websub\/websub-[\w-]{24}$/);
    await listeners.at(-1)?.immediateStop();
    servers[0]?.close();
  });

  it('run as tests', async () => {
    await samples.tests();
    expect(saved).toEqual(['x']);
  });
});
