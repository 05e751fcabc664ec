import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Below the tests' own node_modules, so that programs see the packages that tests see, and no other tool sees them.
const folder = join(root, 'test/node_modules/.cache/websub-docs');

export interface Compiled {
  /** Where the JavaScript lies. */
  readonly folder: string;
  /** What the compiler complained of; empty when nothing. */
  readonly complaints: string;
}

/** Compiles programs, by file name, with the project's own settings, as a user does who has legacy decorators on. */
export async function compile(programs: ReadonlyMap<string, string>): Promise<Compiled> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const compilerOptions = {
    rootDir: '.',
    outDir: 'out',
    composite: false,
    incremental: false,
    declaration: false,
    declarationMap: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    // A sample need not use all that its reader may.
    noUnusedParameters: false,
  };
  const settings = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  for (const [name, code] of programs) await writeFile(join(folder, name), code);
  const complaints = await new Promise<string>((resolve) => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], (error, stdout, stderr) =>
      resolve(error === null ? '' : stdout + stderr),
    );
  });
  return { folder: join(folder, 'out'), complaints };
}
