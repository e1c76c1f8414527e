import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The root of this clone, also for the compiled files below .build/. */
export const projectFolder = rootAbove(import.meta.dirname);

/** The compiled package that child processes of tests use; made by build-dist.ts. */
export const buildFolder = join(projectFolder, '.build/test-dist');

/** A program of test/fixtures. */
export function fixture(name: string): string {
  return join(projectFolder, 'test/fixtures', name);
}

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}
