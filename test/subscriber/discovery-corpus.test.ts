import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discover } from '@websub/subscriber';
import { corpus } from './discovery-corpus.js';
import { Site } from './world.js';

let site: Site;

beforeAll(async () => {
  site = await Site.start();
});

afterAll(() => site[Symbol.asyncDispose]());

describe('S1, S3, S42 discovery', () => {
  it.each(corpus.map((sample, nr) => [sample.name, nr] as const))('understands %s', async (_, nr) => {
    const sample = corpus[nr];
    if (sample === undefined) throw new Error('there is no such sample');
    const path = `/${nr}`;
    site.pages.set(path, { headers: { 'content-type': sample.type }, body: sample.body });
    const { url, ...found } = await discover(site.url + path);
    expect(found).toEqual({ self: undefined, ...sample.expected });
    expect(url).toBe(site.url + path);
  });
});

it('the corpus has hundreds of documents', () => {
  expect(corpus.length).toBeGreaterThan(400);
});
