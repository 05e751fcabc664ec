import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { advertise } from '@websub/publisher';

/** A publisher: serves an Atom feed from a file and names its hub in the Link header. */
export interface FeedServer {
  readonly feedUrl: string;
  /** Writes a new entry into the feed file. */
  addEntry(title: string, summary: string): Promise<void>;
  close(): void;
}

export async function startFeedServer(folder: string, hub: string): Promise<FeedServer> {
  const file = join(folder, 'feed.xml');
  await copyFile(new URL('../feed.xml', import.meta.url), file);
  const advertiseHub = advertise({ hub });
  const server: Server = createServer((request, response) => {
    advertiseHub(request, response, () => {
      response.setHeader('Content-Type', 'application/atom+xml; charset=utf-8');
      readFile(file).then(
        (feed) => response.end(feed),
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    feedUrl: `http://127.0.0.1:${port}/feed.xml`,
    addEntry: async (title, summary) => {
      const now = new Date().toISOString();
      const entry = `<entry>
    <title>${title}</title>
    <id>urn:uuid:${crypto.randomUUID()}</id>
    <updated>${now}</updated>
    <summary>${summary}</summary>
  </entry>
  `;
      const feed = await readFile(file, 'utf8');
      await writeFile(
        file,
        feed.replace('<entry>', `${entry}<entry>`).replace(/<updated>[^<]*/, `<updated>${now}`),
      );
    },
    close: () => server.close(),
  };
}
