import { Pool } from 'undici';

const AT_ONCE = 64;

/** Sends to one hub, over at most 64 connections. */
export class Publisher {
  readonly #pool: Pool;

  constructor(hubUrl: string) {
    this.#pool = new Pool(hubUrl, { connections: AT_ONCE, pipelining: 1 });
  }

  /** Publishes content; settles when it is acknowledged. */
  async publish(topic: string, content: Buffer, contentType = 'application/octet-stream'): Promise<void> {
    const path = `/?hub.mode=publish&hub.topic=${encodeURIComponent(topic)}`;
    await this.#post(path, content, contentType);
  }

  /** Tells of a change; settles when it is acknowledged. */
  async ping(topic: string): Promise<void> {
    await this.#form({ 'hub.mode': 'publish', 'hub.url': topic });
  }

  async subscribe(topic: string, callback: string, secret: string): Promise<void> {
    await this.#form({
      'hub.mode': 'subscribe',
      'hub.topic': topic,
      'hub.callback': callback,
      'hub.secret': secret,
    });
  }

  /** By the management API, which is open in `--dev`. */
  async setPolicy(topic: string, policy: string): Promise<void> {
    const { body, statusCode } = await this.#pool.request({
      method: 'PUT',
      path: `/v1/topics/${encodeURIComponent(topic)}/policy`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ policy }),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`answered ${statusCode}: ${text}`);
  }

  /** What a GET answers. */
  async get(path: string): Promise<string> {
    const { body } = await this.#pool.request({ method: 'GET', path });
    return body.text();
  }

  async stop(): Promise<void> {
    await this.#pool.destroy();
  }

  async #form(fields: Readonly<Record<string, string>>): Promise<void> {
    await this.#post('/', new URLSearchParams(fields).toString(), 'application/x-www-form-urlencoded');
  }

  async #post(path: string, body: Buffer | string, contentType: string): Promise<void> {
    const headers = { 'content-type': contentType };
    const answer = await this.#pool.request({ method: 'POST', path, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 202) throw new Error(`answered ${answer.statusCode}: ${text}`);
  }
}

/** Does the work for each, so many at a time. */
export async function forEachOf<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
  atOnce = AT_ONCE,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
    }),
  );
}
