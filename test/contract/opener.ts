import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContractCase, Open } from '@websub/hub/contract';
import { describe, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';

export type Store = Awaited<ReturnType<typeof openSqliteStore>>;

/** Runs a contract suite against the embedded store, in a folder and in memory. */
export function describeContract<Port>(
  name: string,
  cases: readonly ContractCase<Port>[],
  portOf: (store: Store) => Port,
): void {
  describe.each(['in a folder', 'in memory'] as const)(`${name} %s`, (where) => {
    it.each(cases.filter(({ reopens }) => !reopens || where === 'in a folder'))('$title', async ({ run }) => {
      await run(where === 'in a folder' ? await openerOfFolder(portOf) : openerOfMemory(portOf));
    });
  });
}

/** The same for what lies over the store, and so cannot know where it is: in a folder only what is opened again. */
export function describeContractOver<Port>(
  name: string,
  cases: readonly ContractCase<Port>[],
  portOf: (store: Store) => Port,
): void {
  describe(`${name} over SQLite`, () => {
    it.each(cases)('$title', async ({ reopens, run }) => {
      await run(reopens ? await openerOfFolder(portOf) : openerOfMemory(portOf));
    });
  });
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openerOfFolder<Port>(portOf: (store: Store) => Port): Promise<Open<Port>> {
  const folder = join(await temporaryFolder(), 'data');
  return opener(folder, portOf);
}

function openerOfMemory<Port>(portOf: (store: Store) => Port): Open<Port> {
  return opener(':memory:', portOf);
}

function opener<Port>(folder: string, portOf: (store: Store) => Port): Open<Port> {
  let store: Store | undefined;
  // Registered before the first opening, so that it runs before the folder is removed.
  onTestFinished(() => store?.close());
  return async () => {
    await store?.close();
    store = await openSqliteStore({ folder });
    return portOf(store);
  };
}
