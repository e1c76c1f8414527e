import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { minimalEnv } from './subprocess.ts';

/**
 * The path of a program, or undefined.
 *
 * @param searchPath - folders, as in PATH; by default those that the programs we start get
 */
export function findProgram(name: string, searchPath = minimalEnv()['PATH'] ?? ''): string | undefined {
  return searchPath
    .split(':')
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/** Is there a file here that we may run? */
export function isProgram(path: string): boolean {
  return mayAccess(path, constants.X_OK) && statSync(path).isFile();
}

/** May we use `path` so (`fs.constants.R_OK` and its like)? */
export function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (error) {
    if (errnoOf(error) !== undefined) return false;
    throw error;
  }
}

/** Changes whenever the file is replaced or rewritten: for remembering what was found out about it. */
export function fileIdentity(path: string): string {
  const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
  return [path, dev, ino, size, mtimeMs, ctimeMs].join(':');
}
