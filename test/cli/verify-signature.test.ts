import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { websub } from '../support/websub-process.js';

const SECRET = 's3cret';
const BODY = Buffer.from('{"title": "größer"}\u0000');
const signed = (method: string, body: Uint8Array = BODY): string =>
  `${method}=${createHmac(method, SECRET).update(body).digest('hex')}`;

// Each test is a process or two, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

describe('websub verify-signature', () => {
  it.each(['sha1', 'sha256', 'sha384', 'sha512'])(
    'knows a right %s of a body on standard input',
    async (method) => {
      const args = ['verify-signature', '--signature', signed(method), '--secret', SECRET];
      expect(await websub(args, { stdin: BODY })).toEqual({
        status: 0,
        stdout: `the signature is right: ${method}, ${BODY.byteLength} bytes\n`,
        stderr: '',
      });
    },
  );

  it('reads a file byte for byte, the secret from the environment, and the header as it was copied', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'websub-cli-'));
    await writeFile(join(folder, 'body'), BODY);
    const args = [
      'verify-signature',
      join(folder, 'body'),
      '--signature',
      `X-Hub-Signature: ${signed('sha256')}`,
    ];
    expect((await websub(args, { env: { WEBSUB_SECRET: SECRET } })).status).toBe(0);
    expect((await websub(args, { env: { WEBSUB_SECRET: 'other' } })).status).toBe(1);
    await rm(folder, { recursive: true });
  });

  it('says what is likely wrong with a signature that does not fit', async () => {
    const args = ['verify-signature', '--signature', signed('sha256'), '--secret', SECRET];
    const changed = await websub(args, { stdin: '{"title":"größer"}' });
    expect(changed).toMatchObject({ status: 1, stdout: '' });
    expect(changed.stderr).toMatch(
      /^websub: the signature is wrong: check the secret, and that these 20 bytes are/,
    );
    const newline = await websub(args, { stdin: Buffer.concat([BODY, Buffer.from('\n')]) });
    expect(newline).toMatchObject({ status: 1, stdout: '' });
    expect(newline.stderr).toContain('it is right without the newline at the end');
  });

  it.each([
    ['no secret', ['--signature', 'sha256=00'], "required option '--secret <secret>' not specified"],
    [
      'a method that nobody knows',
      ['--signature', 'md5=00', '--secret', 'x'],
      'sha1, sha256, sha384 and sha512',
    ],
    ['half a signature', ['--signature', 'sha256=00', '--secret', 'x'], 'copy all of X-Hub-Signature'],
    [
      'a secret that no hub takes',
      ['--signature', 'sha256=00', '--secret', 'x'.repeat(200)],
      'shorter than 200 bytes',
    ],
    ['a file that is not there', ['--signature', 'sha256=00', '--secret', 'x', '/none/x'], 'cannot be read'],
  ])('tells the cure for %s', async (_, args, cure) => {
    const ended = await websub(['verify-signature', ...args]);
    expect(ended).toMatchObject({ status: 2, stdout: '' });
    expect(ended.stderr).toContain(cure);
  });
});
