// Writes docs/openapi.json: what a hub built from this checkout serves at /v1/openapi.json.
import { writeFile } from 'node:fs/promises';
import { createHub } from '../packages/hub/dist/index.js';

const hub = await createHub({ dev: true, port: 0, data: ':memory:' });
const served = await fetch(new URL('v1/openapi.json', hub.url));
await writeFile(
  new URL('../docs/openapi.json', import.meta.url),
  `${JSON.stringify(await served.json(), null, 2)}\n`,
);
await hub.stop();
