// Writes docs/openapi.json and docs/asyncapi.json: what a hub built from this checkout serves below /v1.
import { writeFile } from 'node:fs/promises';
import { createHub } from '../packages/hub/dist/index.js';

const hub = await createHub({ dev: true, port: 0, data: ':memory:' });
for (const name of ['openapi.json', 'asyncapi.json']) {
  const served = await fetch(new URL(`v1/${name}`, hub.url));
  await writeFile(
    new URL(`../docs/${name}`, import.meta.url),
    `${JSON.stringify(await served.json(), null, 2)}\n`,
  );
}
await hub.stop();
