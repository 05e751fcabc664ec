import { join } from 'node:path';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Order, Report } from './commands.js';
import { failureOf } from './failure.js';
import { createFolder, DATABASE_FILE, lockFolder, syncFolder } from './folder.js';
import { IN_MEMORY, openDatabase } from './open-database.js';
import { migrate } from './schema.js';
import { loadSqlite } from './sqlite-driver.js';
import { StoreLoop } from './store-loop.js';
import { Tables } from './tables.js';

/** What the main thread starts this thread with. */
export interface WorkerInput {
  readonly folder: string;
}

await run(parentPort!, (workerData as WorkerInput).folder);

/** The store's thread: everything that touches SQLite or its files, so that no fsync stops the event loop of the hub. */
async function run(port: MessagePort, folder: string): Promise<void> {
  const report = (message: Report): void => port.postMessage(message);
  const location = folder === IN_MEMORY ? IN_MEMORY : join(folder, DATABASE_FILE);
  try {
    const connect = await loadSqlite();
    if (folder !== IN_MEMORY) createFolder(folder);
    const lock = folder === IN_MEMORY ? undefined : lockFolder(connect, folder);
    const database = openDatabase(connect, location);
    migrate(database, location);
    // The first answer must not be lost with the name of the file that holds it.
    if (folder !== IN_MEMORY) syncFolder(folder);
    const release = (): void => {
      database.close();
      lock?.close();
    };
    const tables = new Tables(database);
    const loop = new StoreLoop({
      database,
      commands: tables.commands,
      onReplies: (replies, commitMs) =>
        report({ kind: 'replies', replies, ...(commitMs === undefined ? {} : { commitMs }) }),
      onEnd: (error) => {
        if (error !== undefined) report({ kind: 'ended', failure: failureOf(error, location) });
        port.close();
      },
      location,
    });
    port.on('message', (order: Order) => {
      if (order.kind === 'requests') loop.add(order.requests);
      else loop.close(release);
    });
    report({ kind: 'opened', ...tables.log.identity() });
  } catch (error) {
    report({ kind: 'ended', failure: failureOf(error, location) });
    port.close();
  }
}
