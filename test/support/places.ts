import { join } from 'node:path';

/** The root of this clone. */
export const projectFolder = join(import.meta.dirname, '../..');

/** The compiled package that child processes of tests use; made by build-dist.ts. */
export const buildFolder = join(projectFolder, '.build/test-dist');

/** A program of test/fixtures. */
export function fixture(name: string): string {
  return join(projectFolder, 'test/fixtures', name);
}
