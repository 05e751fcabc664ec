import { describe, expect, it } from 'vitest';
import { send, sendRaw, type Answer } from '../support/http.js';
import { formOf, FORM, listAll, ping, postForm, published, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const ADMIN_KEY = 'planted-admin-key-0123456789';
const world = useWorld({
  flags: ['--log-level', 'trace', '--retry-delays', '0.05', '--admin-key', ADMIN_KEY],
});

/** What nobody but its owner may see. Whatever a subscription or a topic is called stands in the management API, by design. */
const secrets = {
  admin: ADMIN_KEY,
  bearer: 'planted-bearer-of-somebody',
  basic: 'planted-user:planted-password',
  cookie: 'planted-cookie',
  apiKey: 'planted-api-key',
  secret: 'planted-hub-secret',
  secretRefused: 'planted-secret-of-a-refused-request',
  secretOfDead: 'planted-secret-of-a-dead-callback',
  verifyToken: 'planted-verify-token',
  body: 'planted-body-of-an-update',
  fetched: 'planted-body-of-a-topic',
  answered: 'planted-body-of-an-answer',
  extension: 'planted-extension-header',
  formField: 'planted-unknown-form-field',
  hubQuery: 'planted-query-of-the-hub',
  tokenQuery: 'planted-token-in-a-query',
  traceState: 'planted-trace-state',
};
/** Capabilities in URLs: the management API shows them, logs, metrics and error pages do not. */
const capabilities = {
  topicQuery: 'planted-query-of-a-topic',
  callbackPath: 'planted-path-of-a-callback',
  callbackQuery: 'planted-query-of-a-callback',
};

function found(where: string, planted: Readonly<Record<string, string>>): string[] {
  // As it was sent, or as somebody would write it down.
  const forms = (text: string) => [
    text,
    encodeURIComponent(text),
    Buffer.from(text).toString('base64'),
    Buffer.from(text).toString('hex'),
  ];
  return Object.entries(planted).flatMap(([name, text]) =>
    forms(text).some((form) => where.includes(form)) ? [name] : [],
  );
}

describe('secrets', () => {
  it('LAW 10: 0 of 20 that were planted are in the log, the metrics, the API or an error page', async () => {
    expect(Object.keys({ ...secrets, ...capabilities })).toHaveLength(20);
    const { hub } = world;
    const pages: Answer[] = [];
    const headers = {
      authorization: `Bearer ${secrets.bearer}`,
      cookie: `session=${secrets.cookie}`,
      'x-api-key': secrets.apiKey,
      'x-extension': secrets.extension,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: `vendor=${secrets.traceState}`,
    };

    // A life with all that can go wrong in it.
    const topic = world.topic(`?key=${capabilities.topicQuery}`);
    topic.body = secrets.fetched;
    const callback = world.callback(`/${capabilities.callbackPath}?key=${capabilities.callbackQuery}`);
    callback.onDelivery = (_delivery, nth) => ({ status: nth < 3 ? 500 : 410, body: secrets.answered });
    const dead = world.callback(`/${capabilities.callbackPath}-dead`);
    dead.onIntent = () => ({ status: 404, body: secrets.answered });
    const terms = { 'hub.verify_token': secrets.verifyToken, 'x.unknown': secrets.formField };
    await subscribed(hub, callback, topic.url, { ...terms, 'hub.secret': secrets.secret });
    await subscribed(hub, dead, topic.url, { ...terms, 'hub.secret': secrets.secretOfDead });
    await ping(hub, topic.url);
    await published(hub, topic.url, secrets.body, { headers });
    await arrived('attempts', callback.deliveries, 3);
    await until('it has ended', () => hub.output.includes('subscription-ended'));

    // Requests that are refused, in every way and place.
    const bad = { 'hub.secret': secrets.secretRefused, ...terms };
    pages.push(
      await postForm(
        hub,
        { 'hub.mode': 'subscribe', 'hub.topic': 'nonsense', 'hub.callback': callback.url, ...bad },
        headers,
      ),
      await postForm(hub, { 'hub.mode': 'nonsense', ...bad }, headers),
      await postForm(
        hub,
        { 'hub.mode': 'subscribe', ...bad, 'hub.secret': secrets.secretRefused.repeat(20) },
        headers,
      ),
      await send(`${hub.url}?token=${secrets.tokenQuery}`, { method: 'PUT', headers, body: secrets.body }),
      await send(`${hub.url}?${formOf({ 'hub.mode': 'publish', 'hub.topic': 'x', q: secrets.hubQuery })}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: secrets.body,
      }),
      await send(hub.url, {
        method: 'POST',
        headers: { ...headers, 'content-type': FORM },
        body: `%ff=${secrets.body}`,
      }),
    );
    for (const path of [
      'nowhere?',
      'v1/nowhere?',
      'v1/topics?limit=x',
      'v1/subscriptions/x?',
      'status/x?',
      'readyz?',
      'metrics?',
      '?',
    ])
      for (const authorization of [
        headers.authorization,
        `Basic ${Buffer.from(secrets.basic).toString('base64')}`,
      ])
        pages.push(
          await send(new URL(`${path}&access_token=${secrets.tokenQuery}`, hub.url).href, {
            headers: { ...headers, authorization },
          }),
        );
    await sendRaw(
      hub.url,
      `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secrets.bearer}\r\n${secrets.cookie}\r\n\r\n`,
      {
        timeoutMs: 1_000,
      },
    );

    const shown = pages.map(({ headers: answered, text }) => JSON.stringify(answered) + text).join('\n');
    const { text: metrics } = await send(new URL('/metrics', hub.url).href);
    const lists = await Promise.all(
      ['topics', 'subscriptions', 'dead-letters'].map((list) => listAll(hub, `/v1/${list}`)),
    );
    const { text: stats } = await send(new URL('/v1/stats', hub.url).href);
    await hub.terminate();
    expect(hub.output.split('\n').length).toBeGreaterThan(20);
    expect({
      log: found(hub.output, { ...secrets, ...capabilities }),
      metrics: found(metrics, { ...secrets, ...capabilities }),
      api: found(JSON.stringify(lists) + stats, secrets),
      pages: found(shown, { ...secrets, ...capabilities }),
    }).toEqual({ log: [], metrics: [], api: [], pages: [] });
  });
});
