import { defineConfig } from 'vitest/config';

// Coverage is seen only in modules that vitest itself loads; it finds the way back from dist to src by the maps.
const measured = process.argv.includes('--coverage');

export default defineConfig({
  // Without this, decorators are a syntax error in every file that no tsconfig includes.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // A process for each of them would import everything anew: a fifth of the whole time.
    isolate: false,
    // Most tests wait for sockets and processes: with one worker for each core they would wait one after the other.
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A package sees the others as its users do: built, loaded by Node itself. Worker threads need that too.
    server: { deps: { external: measured ? [] : [/\/packages\/[^/]+\/dist\//] } },
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/vitest.json' },
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'packages/*/dist/**/*.js'],
      exclude: ['**/*.test.ts', '**/*.d.ts'],
      excludeAfterRemap: true,
      reporter: ['text', 'html'],
      reportsDirectory: 'coverage',
    },
  },
});
