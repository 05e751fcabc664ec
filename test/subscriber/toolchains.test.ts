import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform as swc, type Options } from '@swc/core';
import { transform as esbuild } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Mode = 'legacy' | 'TC39';

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL('toolchains', import.meta.url));
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
const tsx = require.resolve('tsx/cli');
const projectFor = (mode: Mode): string =>
  join(here, mode === 'TC39' ? 'tsconfig.tc39.json' : 'tsconfig.json');

const run = async (args: readonly string[], options: object = {}): Promise<string> =>
  (await promisify(execFile)(process.execPath, args, { cwd: here, ...options })).stdout;

const SOURCES = ['fixture', 'main'];
/** Below a node_modules that knows our packages. */
let out: string;

beforeAll(async () => {
  const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
  await mkdir(cache, { recursive: true });
  out = await mkdtemp(join(cache, 'toolchains-'));
  await writeFile(join(out, 'package.json'), '{"type":"module"}');
});
afterAll(() => rm(out, { recursive: true, force: true }));

/** Compiles file by file, and runs what came out. */
async function compiledBy(
  compile: (source: string, name: string) => Promise<{ code: string }>,
): Promise<string> {
  for (const name of SOURCES) {
    const { code } = await compile(await readFile(join(here, `${name}.ts`), 'utf8'), `${name}.ts`);
    await writeFile(join(out, `${name}.js`), code);
  }
  return run([join(out, 'main.js')]);
}

const swcConfig = (transform: NonNullable<Options['jsc']>['transform']): Options => ({
  configFile: false,
  swcrc: false,
  module: { type: 'es6' },
  jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022', transform: transform ?? {} },
});

/** What the fixture does, whoever compiled it. */
const observed = (mode: Mode): unknown => ({
  modes: [mode],
  answers: [
    '202 onOpened header',
    '202 onPlain payload',
    '202 onClosed header',
    '202 onRenamed header',
    '202 onOwn payload',
    '202 undefined none',
  ],
  seen: ['opened #7', 'plain {"kind":"plain"}', 'closed 2026', 'renamed in Derived', 'own'],
  calls: 1,
});

// Whole compilers are started, which takes long where much else runs.
describe('the decorators', { timeout: 120_000 }, () => {
  it.each<Mode>(['legacy', 'TC39'])('work under tsc in %s mode', async (mode) => {
    await run([tsc, '-p', projectFor(mode), '--outDir', out]);
    expect(JSON.parse(await run([join(out, 'main.js')]))).toEqual(observed(mode));
  });

  it.each<[string, Mode, Options]>([
    ['legacy', 'legacy', swcConfig({ legacyDecorator: true, decoratorMetadata: true })],
    ['legacy without metadata', 'legacy', swcConfig({ legacyDecorator: true })],
    ['TC39 (2022-03)', 'TC39', swcConfig({ decoratorVersion: '2022-03' })],
    ['TC39 (2023-11)', 'TC39', swcConfig({ decoratorVersion: '2023-11' })],
  ])('work under swc in %s mode', async (_what, mode, config) => {
    const result = await compiledBy((source, filename) => swc(source, { ...config, filename }));
    expect(JSON.parse(result)).toEqual(observed(mode));
  });

  it.each<Mode>(['legacy', 'TC39'])('work under esbuild in %s mode', async (mode) => {
    const compilerOptions = { experimentalDecorators: mode === 'legacy', useDefineForClassFields: false };
    const result = await compiledBy((source, sourcefile) =>
      esbuild(source, {
        loader: 'ts',
        target: 'node20',
        sourcefile,
        tsconfigRaw: { compilerOptions },
      }),
    );
    expect(JSON.parse(result)).toEqual(observed(mode));
  });

  it.each<Mode>(['legacy', 'TC39'])('work under tsx in %s mode', async (mode) => {
    const result = await run([tsx, '--tsconfig', projectFor(mode), 'main.ts']);
    expect(JSON.parse(result)).toEqual(observed(mode));
  });

  it.each<Mode>(['legacy', 'TC39'])('work under vitest in %s mode', async (mode) => {
    const env = { ...process.env, DECORATORS: mode, OBSERVED: JSON.stringify(observed(mode)) };
    const result = await run([vitest, 'run', '--root', here, '--reporter=json'], { env });
    expect(JSON.parse(result)).toMatchObject({ numPassedTests: 1, numTotalTests: 1, success: true });
  });
});
