import { describe, expect, it } from 'vitest';
import { send } from '../support/http.js';
import { idOf, manage } from '../support/manage.js';
import {
  inState,
  published,
  statusAddress,
  subscribe,
  subscribed,
  unsubscribe,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', '600'] });

async function statusAt(address: string): Promise<Record<string, unknown>> {
  const { status, text } = await send(address, { headers: { accept: 'application/json' } });
  expect(status).toBe(200);
  return JSON.parse(text) as Record<string, unknown>;
}

describe('the status address in the answer to a request', () => {
  it('tells how far the request is, what is delivered, and why nothing comes', async () => {
    const topic = world.topic('?key=qu3ry').url;
    const callback = (await world.callbackServer()).callback();
    let confirm = false;
    callback.onIntent = ({ challenge }) => (confirm ? { status: 200, body: challenge } : 'hang');
    const answer = await subscribe(world.hub, callback.url, topic, { 'hub.secret': 's3cret' });
    const address = statusAddress(answer);
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/status\/[\w-]{16}$/);
    await arrived('verifications', callback.intents, 1);
    expect(await statusAt(address)).toMatchObject({ state: 'pending', lease_ends_at: null });
    confirm = true;
    const again = statusAddress(await subscribe(world.hub, callback.url, topic, { 'hub.secret': 's3cret' }));
    await inState(world.hub, callback, 'active');
    expect(await statusAt(again)).toMatchObject({ state: 'active', lag: { entries: 0 }, last_outcome: null });
    expect(await statusAt(address)).toMatchObject({
      state: 'closed',
      reason: expect.stringContaining('newer request') as unknown,
    });
    callback.onDelivery = () => ({ status: 503 });
    await published(world.hub, topic, 'b0dy');
    const failing = await until('it has failed', async () => {
      const found = await statusAt(again);
      return found['last_outcome'] === null ? undefined : found;
    });
    expect(failing).toMatchObject({
      reason: expect.stringContaining('answered 503') as unknown,
      lag: { entries: 1 },
      last_outcome: { outcome: 'failed', status: 503 },
      next_attempt_at: expect.any(String) as unknown,
    });
    for (const planted of ['s3cret', 'qu3ry', 'b0dy', new URL(callback.url).host])
      expect(JSON.stringify(failing)).not.toContain(planted);
  });

  it('says why a request came to nothing', async () => {
    const topic = world.topic().url;
    const [refusing, leaving, removed] = [world.callback(), world.callback(), world.callback()];
    refusing.onIntent = () => ({ status: 404 });
    const refused = statusAddress(await subscribe(world.hub, refusing.url, topic));
    const left = statusAddress(await subscribe(world.hub, leaving.url, topic));
    const ended = statusAddress(await subscribe(world.hub, removed.url, topic));
    await inState(world.hub, leaving, 'active');
    await inState(world.hub, removed, 'active');
    await unsubscribe(world.hub, leaving.url, topic);
    await manage(world.hub, 'DELETE', `/subscriptions/${await idOf(world.hub, removed)}?reason=no+more`);
    const reasonAt = (address: string): Promise<string> =>
      until('it is closed', async () => {
        const { state, reason } = await statusAt(address);
        return state === 'closed' ? String(reason) : undefined;
      });
    expect(await reasonAt(refused)).toMatch(/did not confirm.*404/);
    expect(await reasonAt(left)).toMatch(/wants the topic no longer/);
    expect(await reasonAt(ended)).toMatch(/denied.*no more/);
  });

  it('H9 tells somebody else who asks for the same pair nothing of it', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(world.hub, callback, topic);
    await inState(world.hub, callback, 'active');
    callback.onIntent = () => 'hang';
    const stranger = statusAddress(await subscribe(world.hub, callback.url, topic));
    const status = await statusAt(stranger);
    expect(status).toMatchObject({ state: 'pending', lease_ends_at: null, last_outcome: null });
  });

  it('is a page for people, and 404 for a guess', async () => {
    const topic = world.topic('?<b>').url;
    const callback = world.callback();
    const address = statusAddress(await subscribe(world.hub, callback.url, topic));
    await inState(world.hub, callback, 'active');
    const page = await send(address, { headers: { accept: 'text/html' } });
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.text).toContain('Your subscription is active');
    expect(page.text).toContain('<p>Everything published so far is delivered.</p>');
    expect(page.text).toContain('<dt>Not delivered yet</dt><dd>nothing</dd>');
    expect(page.text).not.toContain('<b>');
    for (const guess of ['x', 'A'.repeat(16), '%00', '..%2f..'])
      expect((await send(new URL(`/status/${guess}`, world.hub.url).href)).status).toBe(404);
  });

  it('tells on its page nothing of deliveries before a lease is in force, and once it has ended', async () => {
    const topic = world.topic().url;
    const [slow, refusing] = [world.callback(), world.callback()];
    slow.onIntent = () => ({ status: 503 });
    refusing.onIntent = () => ({ status: 404 });
    const asked = statusAddress(await subscribe(world.hub, slow.url, topic));
    const closed = statusAddress(await subscribe(world.hub, refusing.url, topic));
    await until('both were asked', async () => {
      const [one, other] = [await statusAt(asked), await statusAt(closed)];
      return /once/.test(String(one['reason'])) && other['state'] === 'closed' ? true : undefined;
    });
    const pageAt = async (address: string): Promise<string> =>
      (await send(address, { headers: { accept: 'text/html' } })).text;
    const [pending, ended] = [await pageAt(asked), await pageAt(closed)];
    expect(pending).toContain('Your request is pending');
    expect(pending).toContain(
      '<p>The callback was asked once and did not confirm the request: it is asked again.</p>',
    );
    expect(pending).toContain('<dt>Next attempt</dt>');
    expect(ended).toContain('Your subscription is closed');
    expect(ended).not.toContain('Next attempt');
    for (const page of [pending, ended]) expect(page).not.toMatch(/Lease ends|Not delivered|Last attempt/);
  });

  it('goes on after a restart', async () => {
    const hub = await world.startHub();
    const callback = world.callback();
    const address = statusAddress(await subscribe(hub, callback.url, world.topic().url));
    await inState(hub, callback, 'active');
    await hub.kill();
    await hub.restart();
    expect(await statusAt(address)).toMatchObject({ state: 'active' });
  });
});
