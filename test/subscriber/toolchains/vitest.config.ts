import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

// What vitest itself compiles with (oxc) knows legacy decorators only; for those of TC39 it takes a plugin.
const isTc39 = process.env['DECORATORS'] === 'TC39';
const decorators = swc.vite({
  tsconfigFile: false,
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { decoratorVersion: '2022-03' },
    target: 'es2022',
  },
});

export default defineConfig({
  ...(isTc39
    ? { plugins: [decorators], oxc: false }
    : { oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } } }),
  test: {
    include: ['fixture.vitest.ts'],
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    provide: { observed: JSON.parse(process.env['OBSERVED'] ?? 'null') as unknown },
  },
});
