import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import { bodyOf, KEPT_ENTRIES, PLACES, TOPICS } from './writing.mjs';

const integrity = fileURLToPath(new URL('./integrity.mjs', import.meta.url));

type Store = Awaited<ReturnType<typeof openSqliteStore>>;
type Position = ReturnType<Store['log']['head']>;

/** What writers on one folder said was acknowledged, over all their lives. */
export class History {
  readonly entries = new Map<Position, string>();
  readonly #versions = new Map<string, number>();
  readonly #removing = new Set<string>();
  readonly #removed = new Set<string>();
  #epoch: string | undefined;
  #places = 0;
  /** What the last writer said besides, and after what. */
  readonly remarks: string[] = [];

  get size(): number {
    return this.entries.size + this.#versions.size + this.#removed.size + this.#places;
  }

  /** Takes note of one line of a writer. */
  note(line: string): void {
    const [what, first = '', second = ''] = line.split(' ');
    if (what === 'entry') this.entries.set(Number(first) as Position, second);
    else if (what === 'saved') this.#versions.set(first, Number(second));
    else if (what === 'removing') this.#removing.add(first);
    else if (what === 'removed') this.#removed.add(first);
    else if (what === 'places') this.#places = Number(first);
    else if (what === 'open') this.#epoch ??= first;
    else this.remarks.push(line);
  }

  /** Opens the folder and tells everything that was acknowledged and is not there; nothing when all is well. */
  async lossesIn(folder: string): Promise<string[]> {
    const damage = await damageIn(folder);
    if (damage !== 'ok') return [`integrity_check: ${damage}`];
    const store = await openSqliteStore({ folder });
    try {
      return [
        ...(this.#epoch === undefined || store.log.epoch === this.#epoch ? [] : ['another log']),
        ...(await this.#lostEntries(store)),
        ...(await this.#lostSubscriptions(store)),
        ...(await this.#lostPlaces(store)),
      ];
    } finally {
      await store.close();
    }
  }

  async #lostEntries({ log }: Store): Promise<string[]> {
    const losses: string[] = [];
    const found = new Map<Position, string>();
    let after = 0 as Position;
    for (;;) {
      const read = await log.read(TOPICS, after, { entries: 500, bytes: Infinity });
      if (read.kind === 'caught-up') break;
      after = read.kind === 'gap' ? read.resume : read.entries.at(-1)!.position;
      if (read.kind === 'gap') continue;
      for (const { position, id, corrupt, content } of read.entries) {
        found.set(position, id);
        if (corrupt || !bodyOf(id).equals(content.body)) losses.push(`entry ${position} is damaged`);
      }
    }
    const oldest = Math.min(...found.keys());
    for (const [position, id] of this.entries) {
      const isTrimmed = position < oldest && found.size >= KEPT_ENTRIES;
      if (!isTrimmed && found.get(position) !== id) losses.push(`entry ${position} is lost`);
    }
    return losses;
  }

  async #lostSubscriptions({ registry }: Store): Promise<string[]> {
    const stored = new Map<string, number>();
    for await (const batch of registry.loadSubscriptions())
      for (const { id, version } of batch) stored.set(id, version);
    const losses = [...this.#removed]
      .filter((id) => stored.has(id))
      .map((id) => `subscription ${id} is back`);
    for (const [id, version] of this.#versions) {
      if (!this.#removing.has(id) && (stored.get(id) ?? 0) < version)
        losses.push(`subscription ${id} lost version ${version}`);
    }
    return losses;
  }

  async #lostPlaces({ places }: Store): Promise<string[]> {
    const stored = new Map<string, number>();
    for await (const batch of places.load())
      for (const { subscription, position } of batch) stored.set(subscription, position);
    return PLACES.filter((subscription) => (stored.get(subscription) ?? 0) < this.#places).map(
      (subscription) => `place of ${subscription} is lost`,
    );
  }
}

async function damageIn(folder: string): Promise<string> {
  const file = join(folder, 'hub.sqlite');
  // What was never created cannot be damaged.
  if (!existsSync(file)) return 'ok';
  const { stdout } = await promisify(execFile)(process.execPath, [integrity, file]);
  return stdout;
}
