import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ResolvedAddress } from './resolver.js';

const PATH =
  process.platform === 'win32'
    ? `${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts';

type Hosts = ReadonlyMap<string, readonly ResolvedAddress[]>;

/** The addresses of this machine's hosts file, by names in lower case; none when it cannot be read. */
export async function readHosts(path: string = PATH): Promise<Hosts> {
  return parseHosts(await readFile(path, 'utf8').catch(() => ''));
}

/** Lines of an address and its names; what is not understood is passed over, as the system does. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, ResolvedAddress[]>();
  for (const line of text.split(/\r?\n/)) {
    const [address = '', ...names] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names.map((each) => each.toLowerCase())) {
      const known = hosts.get(name);
      if (known === undefined) hosts.set(name, [{ address, family }]);
      else known.push({ address, family });
    }
  }
  return hosts;
}
