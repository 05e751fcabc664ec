import { createHub } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import {
  ADMIN_KEY,
  askTicket,
  createKey,
  GUARDED,
  postJson,
  revokeKey,
  ticketOf,
} from '../support/access.js';
import { send, type Answer } from '../support/http.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ dev: false, flags: [...GUARDED, '--publish', 'closed'] });
const SHOP = 'https://shop.example/';

/** Publishes content to the topic with this in the query, as a client does that cannot send headers. */
function publishBy(
  query: string,
  topic = `${SHOP}orders`,
  hub: { readonly url: string } = world.hub,
): Promise<Answer> {
  return send(`${hub.url}?hub.mode=publish&hub.topic=${encodeURIComponent(topic)}&${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'content',
  });
}

describe('a ticket', () => {
  it('stands in for its credential once', async () => {
    const { key } = await createKey(world.hub, { role: 'publisher', publish: [`${SHOP}*`] });
    const ticket = await ticketOf(world.hub, key);
    expect((await publishBy(`ticket=${ticket}`)).status).toBe(202);
    expect((await publishBy(`ticket=${ticket}`)).status).toBe(401);
  });

  it('used by many at once is good for one of them', async () => {
    const { key } = await createKey(world.hub, { role: 'publisher', publish: ['*'] });
    const ticket = await ticketOf(world.hub, key);
    const answers = await Promise.all(Array.from({ length: 8 }, () => publishBy(`ticket=${ticket}`)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  });

  it('gives the topics of its credential and no others, or fewer if told so', async () => {
    const { key } = await createKey(world.hub, { role: 'publisher', publish: [`${SHOP}*`] });
    const whole = await ticketOf(world.hub, key);
    expect((await publishBy(`ticket=${whole}`, 'https://news.example/')).status).toBe(403);
    const wider = await ticketOf(world.hub, key, { publish: ['*'] });
    expect((await publishBy(`ticket=${wider}`, 'https://news.example/')).status).toBe(403);
    const part = { publish: [`${SHOP}news`] };
    expect((await publishBy(`ticket=${await ticketOf(world.hub, key, part)}`)).status).toBe(403);
    expect((await publishBy(`ticket=${await ticketOf(world.hub, key, part)}`, `${SHOP}news`)).status).toBe(
      202,
    );
  });

  it('ends with its credential', async () => {
    const { id, key } = await createKey(world.hub, { role: 'publisher', publish: ['*'] });
    const ticket = await ticketOf(world.hub, key);
    await revokeKey(world.hub, id);
    expect((await publishBy(`ticket=${ticket}`)).status).toBe(401);
  });

  it('is over after 30 seconds', async () => {
    const clock = new TestClock(Date.now());
    const hub = await createHub({ port: 0, data: ':memory:', adminKey: ADMIN_KEY, ports: { clock } });
    try {
      const { key } = await createKey(hub, { role: 'publisher', publish: ['*'] });
      const [early, late] = [await ticketOf(hub, key), await ticketOf(hub, key)];
      await clock.advance(29_000);
      expect((await publishBy(`ticket=${early}`, SHOP, hub)).status).toBe(202);
      await clock.advance(1_000);
      expect((await publishBy(`ticket=${late}`, SHOP, hub)).status).toBe(401);
    } finally {
      await hub.stop();
    }
  });

  it('manages nothing, not even of the admin, and gives no other ticket', async () => {
    const stats = new URL('/v1/stats', world.hub.url).href;
    expect((await send(`${stats}?ticket=${await ticketOf(world.hub, ADMIN_KEY)}`)).status).toBe(403);
    const next = await postJson(
      world.hub,
      `/v1/tickets?ticket=${await ticketOf(world.hub, ADMIN_KEY)}`,
      {},
      {},
    );
    expect(next.status).toBe(403);
  });

  it('is given to nobody without a credential, and names its end', async () => {
    expect((await postJson(world.hub, '/v1/tickets', {}, {})).status).toBe(401);
    const answer = await askTicket(world.hub, ADMIN_KEY);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { expires_at: end } = JSON.parse(answer.text) as { expires_at: string };
    expect(Date.parse(end) - Date.now()).toBeLessThanOrEqual(30_000);
  });

  it.each([{ publish: 'all' }, { read: [7] }, { read: ['https://*/'] }, { topics: ['*'] }, [], 7])(
    'of %j is 400',
    async (part) => {
      expect((await postJson(world.hub, '/v1/tickets', part, { 'x-api-key': ADMIN_KEY })).status).toBe(400);
    },
  );

  it('of something else than JSON is 415, and of broken JSON 400', async () => {
    const ask = (type: string, body: string): Promise<Answer> =>
      send(new URL('/v1/tickets', world.hub.url).href, {
        method: 'POST',
        headers: { 'content-type': type, 'x-api-key': ADMIN_KEY },
        body,
      });
    expect((await ask('text/plain', '{}')).status).toBe(415);
    expect((await ask('application/json', '{')).status).toBe(400);
    expect((await ask('application/json', '')).status).toBe(201);
    expect((await ask('application/json', `"${'x'.repeat(70_000)}"`)).status).toBe(413);
  });
});

describe('a credential in the query', () => {
  it('counts only where the hub was told so', async () => {
    const told = await world.embedHub({ dev: false, flags: [...GUARDED, '--query-token'] });
    const fields = { role: 'publisher', publish: ['*'] };
    const { key } = await createKey(world.hub, fields);
    const other = await createKey(told, fields);
    expect((await publishBy(`token=${key}`)).status).toBe(401);
    expect((await publishBy(`token=${other.key}`, SHOP, told)).status).toBe(202);
  });
});
