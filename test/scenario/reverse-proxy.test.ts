import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.js';
import { linksOf, send } from '../support/http.js';
import { FORM, formOf, inState, postForm, published } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { CERTIFICATE, PRIVATE_KEY } from '../support/tls.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';
import { Ws } from '../support/ws-clients.js';

const world = useEmbeddedWorld();
const site = fileURLToPath(new URL('../../deploy/nginx.conf', import.meta.url));
const hasNginx = spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0;
const MiB = 1024 * 1024;

it.runIf(hasNginx)(
  'a hub behind nginx, as in deploy/nginx.conf, takes and gives everything as it is',
  async () => {
    const port = await freePort();
    const publicUrl = `https://127.0.0.1:${port}/`;
    const hub = await world.startHub({ flags: ['--public-url', publicUrl, '--trust-proxy', '127.0.0.1/32'] });
    await startNginx(await siteOn(port, new URL(hub.url).port));
    await until('nginx listens', () =>
      ask(publicUrl, { method: 'GET' }).then(
        () => true,
        () => false,
      ),
    );

    const callback = world.callback();
    const topic = world.topic().url;
    const subscribed = await ask(publicUrl, {
      method: 'POST',
      headers: { 'content-type': FORM },
      body: formOf({ 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.callback': callback.url }),
    });
    expect(subscribed.status).toBe(202);
    await inState(hub, callback, 'active');

    // A stream is given its event while it is open.
    const stream = new Promise<string>((resolve, reject) => {
      const get = request(
        `${publicUrl}v1/sse?${formOf({ topic })}`,
        { rejectUnauthorized: false },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
            if (!text.includes('through the proxy')) return;
            resolve(text);
            get.destroy();
          });
        },
      );
      get.on('error', reject).end();
      onTestFinished(() => void get.destroy());
    });
    const publish = (body: Buffer | string) =>
      ask(`${publicUrl}?${formOf({ 'hub.mode': 'publish', 'hub.topic': topic })}`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body,
      });
    await until('the stream is open', async () => {
      expect((await publish('through the proxy')).status).toBe(202);
      return Promise.race([
        stream.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 300, false)),
      ]);
    });

    const large = Buffer.alloc(5 * MiB - 1, 'large ');
    expect((await publish(large)).status).toBe(202);
    expect((await publish(Buffer.alloc(5 * MiB + 1))).status).toBe(413);
    await until('the large one is delivered', () =>
      callback.deliveries.some(({ body }) => body.equals(large)),
    );
    const [first] = await arrived('deliveries', callback.deliveries, 1);
    expect(linksOf(first?.headers['link']).find(({ rels }) => rels.includes('hub'))?.href).toBe(publicUrl);
    // Whoever operates the hub asks on its machine, as this test does.
    expect((await ask(`${publicUrl}readyz`, { method: 'GET' })).status).toBe(200);
  },
);

it.each(['https://example.com/hub/', 'https://example.com/hub'])(
  'a hub that a proxy has below a path gives addresses below it: %s',
  async (publicUrl) => {
    const hub = await world.startHub({ flags: ['--public-url', publicUrl] });
    const topic = { 'hub.mode': 'subscribe', 'hub.topic': world.topic().url };
    const subscribed = await postForm(hub, { ...topic, 'hub.callback': world.callback().url });
    expect(subscribed.text).toContain('Status: https://example.com/hub/status/');
    const channel = await postForm(hub, { ...topic, 'hub.channel.type': 'websocket' });
    expect(channel.text).toContain('"wss://example.com/hub/v1/c/');
    const links = await send(hub.url, { headers: { accept: 'application/json' } });
    expect(links.text).toContain('"https://example.com/hub/v1/sse"');
  },
);

it('a secret that reached the proxy by plain http is refused, when the hub is at https', async () => {
  const hub = await world.startHub({ flags: ['--public-url', 'https://hub.example/'] });
  const fields = {
    'hub.mode': 'subscribe',
    'hub.topic': world.topic().url,
    'hub.callback': world.callback().url,
  };
  const secret = { ...fields, 'hub.secret': 'a secret' };
  const refused = await postForm(hub, secret, { 'x-forwarded-proto': 'http' });
  expect(refused).toMatchObject({
    status: 400,
    text: expect.stringMatching(/send it over https/) as unknown,
  });
  expect((await postForm(hub, secret, { 'x-forwarded-proto': 'https' })).status).toBe(202);
  expect((await postForm(hub, fields, { 'x-forwarded-proto': 'http' })).status).toBe(202);
});

it.runIf(hasNginx)(
  'streams and sockets pass nginx as it is without settings, whose buffers hold nothing back',
  async () => {
    const port = await freePort();
    const upstream = `http://127.0.0.1:${new URL(world.hub.url).port}`;
    const folder = await temporaryFolder();
    await startNginx({
      folder,
      site: `server { listen 127.0.0.1:${port};
        location / { proxy_pass ${upstream}; }
        # No proxy passes sockets unless it is told to.
        location = /v1/ws { proxy_pass ${upstream}; proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } }`,
    });
    const proxy = { url: `http://127.0.0.1:${port}/` };
    await until('nginx listens', () =>
      send(`${proxy.url}healthz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const topic = 'https://shop.example/behind-nginx';
    const stream = await Stream.open(`${proxy.url}v1/sse?${formOf({ topic })}`);
    onTestFinished(() => stream.close());
    const socket = await Ws.open(proxy);
    onTestFinished(() => socket.close());
    socket.say({ op: 'sub', sid: 's', topics: [topic] });
    await until('it is subscribed', () => socket.words.some(({ op }) => op === 'ok'));
    // Each arrives while nothing else comes that could push it on.
    for (const [nth, text] of ['one', 'two', 'three'].entries()) {
      await published(world.hub, topic, text);
      expect((await stream.gets(nth + 1)).at(-1)).toBe(text);
      await until('the socket has it', () => socket.words.filter(({ op }) => op === 'ev').length === nth + 1);
    }
  },
);

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-nginx-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

interface Site {
  readonly folder: string;
  readonly site: string;
}

/** The site of the deploy folder, on a port and with a certificate of the test. */
async function siteOn(port: number, hubPort: string): Promise<Site> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'certificate.pem'), CERTIFICATE);
  await writeFile(join(folder, 'key.pem'), PRIVATE_KEY);
  const written = (await readFile(site, 'utf8'))
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${hubPort}`)
    .replace(/ssl_certificate \S+;/, `ssl_certificate ${folder}/certificate.pem;`)
    .replace(/ssl_certificate_key \S+;/, `ssl_certificate_key ${folder}/key.pem;`);
  return { folder, site: written };
}

async function startNginx({ folder, site: written }: Site): Promise<void> {
  await writeFile(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; pid ${folder}/pid; error_log /dev/null; events {}
    http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      ${written} }`,
  );
  const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(async () => {
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
  });
}

interface Ask {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A request by TLS, whoever signed the certificate. */
function ask(url: string, { method, headers = {}, body }: Ask): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, rejectUnauthorized: false }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0 }));
    });
    asked.once('error', reject);
    asked.end(body);
  });
}
