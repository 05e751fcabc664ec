import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseHosts, readHosts } from './hosts-file.js';

describe('parseHosts', () => {
  it('gives every address of a name, in any case, and passes over comments and what is not understood', () => {
    const hosts = parseHosts(
      '# hosts\n127.0.0.1 localhost Local # here\r\n\n::1\tlocalhost\nnonsense localhost\n10.0.0.1\n',
    );
    expect(hosts.get('localhost')).toEqual([
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
    expect(hosts.get('local')).toHaveLength(1);
    expect([...hosts.keys()]).toEqual(['localhost', 'local']);
  });

  it('gives nothing but addresses, whatever the file holds', () => {
    const line = fc.stringMatching(/^[\w.:# \t]{0,30}$/);
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        for (const addresses of parseHosts(lines.join('\n')).values())
          for (const { address, family } of addresses) expect(isIP(address)).toBe(family);
      }),
    );
  });

  it('is empty when there is no file', async () => {
    expect((await readHosts('/does/not/exist')).size).toBe(0);
  });
});
