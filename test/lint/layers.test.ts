import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

const imports = 'no-restricted-imports';
const globals = 'no-restricted-globals';
const properties = 'no-restricted-properties';

/** Each row is one file with one line, and the rule that must refuse it. */
const refused: readonly (readonly [file: string, line: string, rule: string])[] = [
  ['packages/shared/src/a1.ts', `import '@websub/hub';`, imports],
  ['packages/shared/src/a2.ts', `import type { A } from '@websub/shared';`, imports],
  ['packages/shared/src/a3.ts', `import 'undici';`, imports],
  ['packages/shared/src/a4.ts', `export * from 'ipaddr.js';`, imports],
  ['packages/shared/src/http-client.ts', `import 'ipaddr.js';`, imports],
  ['packages/shared/src/undici-http-client.ts', `import '@websub/hub';`, imports],
  ['packages/shared/src/address.ts', `import 'undici';`, imports],
  ['packages/shared/src/network-policy.ts', `import 'express';`, imports],
  ['packages/shared/src/clock.ts', `import 'undici';`, imports],

  ['packages/hub/src/log/a1.ts', `import '../protocol/publish.js';`, imports],
  ['packages/hub/src/log/a2.ts', `import type { A } from '../delivery/agenda.js';`, imports],
  ['packages/hub/src/log/a3.ts', `import { type A } from '../http/router.js';`, imports],
  ['packages/hub/src/log/a4.ts', `export type { A } from '../bridge/sse.js';`, imports],
  ['packages/hub/src/log/deep/a5.ts', `import '../../store/sqlite/log.js';`, imports],
  ['packages/hub/src/log/a6.ts', `import 'node:sqlite';`, imports],
  ['packages/hub/src/log/a7.ts', `import 'node:worker_threads';`, imports],
  ['packages/hub/src/subscription/a1.ts', `import '../cli.js';`, imports],
  ['packages/hub/src/subscription/a2.ts', `import '../create-hub.js';`, imports],
  ['packages/hub/src/subscription/a3.ts', `import type { A } from '../options.js';`, imports],
  ['packages/hub/src/subscription/a4.ts', `import 'express';`, imports],
  ['packages/hub/src/subscription/a5.ts', `import '@websub/publisher';`, imports],
  ['packages/hub/src/topic/a1.ts', `import 'node:http';`, imports],
  ['packages/hub/src/topic/a2.ts', `import 'node:net';`, imports],
  ['packages/hub/src/topic/a3.ts', `import 'undici';`, imports],
  ['packages/hub/src/topic/a4.ts', `import 'pino';`, imports],
  ['packages/hub/src/topic/a5.ts', `import 'ws';`, imports],
  ['packages/hub/src/topic/a6.ts', `import '@photostructure/sqlite';`, imports],

  ['packages/hub/src/access/a1.ts', `import type { A } from '../gate/gate.js';`, imports],
  ['packages/hub/src/access/a2.ts', `import 'express';`, imports],

  ['packages/hub/src/consumer/a1.ts', `import type { A } from '../bridge/sse.js';`, imports],

  ['packages/hub/src/gate/a1.ts', `import type { A } from '../http/app.js';`, imports],
  ['packages/hub/src/gate/a2.ts', `import '../store/sqlite/log.js';`, imports],
  ['packages/hub/src/gate/a3.ts', `import 'express';`, imports],
  ['packages/hub/src/protocol/a1.ts', `import '../http/router.js';`, imports],
  ['packages/hub/src/protocol/a2.ts', `import type { A } from '../bridge/sse.js';`, imports],
  ['packages/hub/src/protocol/a3.ts', `import '../store/sqlite/log.js';`, imports],
  ['packages/hub/src/delivery/a1.ts', `import '../cli.js';`, imports],
  ['packages/hub/src/delivery/a2.ts', `import '../create-hub.js';`, imports],
  ['packages/hub/src/delivery/a3.ts', `import 'express';`, imports],
  ['packages/hub/src/delivery/a4.ts', `import 'undici';`, imports],
  ['packages/hub/src/delivery/a5.ts', `import 'pino';`, imports],
  ['packages/hub/src/delivery/a6.ts', `import 'node:timers/promises';`, imports],

  ['packages/hub/src/delivery/a7.ts', `import '../workers/worker-sender.js';`, imports],
  ['packages/hub/src/delivery/a8.ts', `import 'node:worker_threads';`, imports],
  ['packages/hub/src/workers/a1.ts', `import '../store/sqlite/log.js';`, imports],
  ['packages/hub/src/workers/a2.ts', `import 'undici';`, imports],
  ['packages/hub/src/engine.ts', `import './workers/worker-sender.js';`, imports],

  ['packages/hub/src/store/a1.ts', `import '../protocol/publish.js';`, imports],
  ['packages/hub/src/store/a2.ts', `import '@photostructure/sqlite';`, imports],
  ['packages/hub/src/store/sqlite/a1.ts', `import type { A } from '../../delivery/agenda.js';`, imports],
  ['packages/hub/src/store/sqlite/a4.ts', `import type { A } from '../../gate/gate.js';`, imports],
  ['packages/hub/src/store/sqlite/a2.ts', `import '../../create-hub.js';`, imports],
  ['packages/hub/src/store/sqlite/a3.ts', `import 'express';`, imports],

  ['packages/hub/src/http/a1.ts', `import '../store/sqlite/log.js';`, imports],
  ['packages/hub/src/http/a2.ts', `import '../create-hub.js';`, imports],
  ['packages/hub/src/http/a3.ts', `import 'pino';`, imports],
  ['packages/hub/src/http/a4.ts', `import '../cli-start.js';`, imports],
  ['packages/hub/src/bridge/a1.ts', `import type { A } from '../store/sqlite/log.js';`, imports],
  ['packages/hub/src/bridge/a2.ts', `import 'express';`, imports],
  ['packages/hub/src/cli.ts', `import './store/sqlite/log.js';`, imports],
  ['packages/hub/src/cli-start.ts', `import 'pino';`, imports],
  ['packages/hub/src/options.ts', `import './store/sqlite/log.js';`, imports],
  ['packages/hub/src/events.ts', `import 'pino';`, imports],
  ['packages/hub/src/create-hub.ts', `import 'express';`, imports],

  ['packages/subscriber/src/subscription/a1.ts', `import '../decorators/service.js';`, imports],
  ['packages/subscriber/src/callback/a1.ts', `import type { A } from '../testing/index.js';`, imports],
  ['packages/subscriber/src/dispatch/a1.ts', `import '../decorators/service.js';`, imports],
  ['packages/subscriber/src/dispatch/a2.ts', `import 'express';`, imports],
  ['packages/subscriber/src/decorators/a1.ts', `import '../store/sqlite-store.js';`, imports],
  ['packages/subscriber/src/store/a1.ts', `import '../decorators/service.js';`, imports],
  ['packages/subscriber/src/a1.ts', `import '@photostructure/sqlite';`, imports],
  ['packages/subscriber/src/a2.ts', `import '@websub/hub';`, imports],
  ['packages/subscriber/src/a3.ts', `import '@nestjs/core';`, imports],
  ['packages/subscriber/src/a4.ts', `import 'commander';`, imports],
  ['packages/subscriber/src/nest/a1.ts', `import '../callback/endpoint.js';`, imports],
  ['packages/subscriber/src/cli/a1.ts', `import '../nest/index.js';`, imports],
  ['packages/subscriber/src/cli/t1.ts', `console.log('x');`, 'no-console'],
  ['packages/publisher/src/a1.ts', `import '@websub/subscriber';`, imports],

  ['packages/hub/src/delivery/t1.ts', `setTimeout(() => {}, 1);`, globals],
  ['packages/hub/src/delivery/t2.ts', `setInterval(() => {}, 1);`, globals],
  ['packages/publisher/src/t1.ts', `export const answer = fetch('https://hub.example/');`, globals],
  ['packages/hub/src/subscription/t1.ts', `export const now = Date.now();`, properties],
  ['packages/shared/src/t1.ts', `export const chance = Math.random();`, properties],
  ['packages/subscriber/src/t1.ts', `globalThis.setTimeout(() => {}, 1);`, properties],
  ['packages/hub/src/protocol/t1.ts', `console.log('x');`, 'no-console'],
];

/** What the layers allow, so that a rule which refuses everything is noticed too. */
const allowed: readonly (readonly [file: string, line: string])[] = [
  ['packages/shared/src/http-client-ok.ts', `import 'undici';`],
  ['packages/shared/src/network-policy-ok.ts', `import 'ipaddr.js'; import 'undici';`],
  ['packages/shared/src/address-ok.ts', `import 'ipaddr.js';`],
  ['packages/shared/src/system-clock.ts', `export const now = Date.now(); setTimeout(() => {}, 1);`],
  ['packages/shared/src/random.ts', `export const chance = Math.random();`],
  ['packages/hub/src/log/ok.ts', `import '@websub/shared'; import '../topic/topic.js'; import './entry.js';`],
  ['packages/hub/src/gate/ok.ts', `import 'jose'; import '../access/grant.js';`],
  ['packages/hub/src/delivery/ok.ts', `import '../log/log.js'; import '../protocol/intent.js';`],
  ['packages/hub/src/store/sqlite/ok.ts', `import '@photostructure/sqlite'; import '../../log/log.js';`],
  ['packages/hub/src/workers/ok.ts', `import 'node:worker_threads'; import '../delivery/sender.js';`],
  ['packages/hub/src/http/ok.ts', `import 'express'; import '../protocol/publish.js';`],
  ['packages/hub/src/bridge/ok.ts', `import '../log/log.js'; import 'ws';`],
  ['packages/hub/src/create-hub.test.ts', `import './store/sqlite/log.js'; setTimeout(() => {}, 1);`],
  ['packages/hub/src/logging.ts', `import 'pino';`],
  ['packages/subscriber/src/testing/ok.ts', `setTimeout(() => {}, 1);`],
  ['packages/subscriber/src/callback/ok.ts', `import 'express'; import '../dispatch/table.js';`],
  ['packages/subscriber/src/nest/ok.ts', `import '@nestjs/core'; import '../listener.js';`],
  [
    'packages/subscriber/src/cli/ok.ts',
    `import 'commander'; import '@websub/publisher'; import '../listener.js';`,
  ],
  ['packages/subscriber/src/store/ok.ts', `import 'node:sqlite';`],
];

interface Finding {
  readonly filename: string;
  readonly code: string;
}

function findingsIn(folder: string): Promise<Finding[]> {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [oxlint, '-f', 'json'], { cwd: folder }, (error, stdout, stderr) => {
      // Status 1 means "found something"; whatever else went wrong is not JSON.
      try {
        resolve((JSON.parse(stdout) as { diagnostics: Finding[] }).diagnostics);
      } catch {
        reject(new Error(`oxlint answered no JSON: ${stderr}`, { cause: error }));
      }
    });
  });
}

describe('the layer rule', () => {
  let folder: string;
  let found: Map<string, string[]>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'websub-layers-'));
    await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const [file, line] of [...refused, ...allowed]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), `${line}\n`);
    }
    found = new Map();
    for (const { filename, code } of await findingsIn(folder)) {
      const file = filename.replaceAll('\\', '/');
      found.set(file, [...(found.get(file) ?? []), code]);
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(refused)('%s may not say %s', (file, _line, rule) => {
    expect(found.get(file)).toContain(`eslint(${rule})`);
  });

  it.each(allowed)('%s may say %s', (file) => {
    expect(found.get(file)?.filter((code) => /restricted|console/.test(code)) ?? []).toEqual([]);
  });

  it('plants no file twice', () => {
    const files = [...refused, ...allowed].map(([file]) => file);
    expect(new Set(files).size).toBe(files.length);
  });
});
