import { LayerProblem } from '../layer-problem.ts';

/** The most that Linux takes. */
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4095;

/** The names on the way of an entry's path, none of them '', '.' or '..'; empty for the root itself. */
export function splitName(path: string): readonly string[] {
  if (path.startsWith('/')) throw new LayerProblem('its name is absolute');
  return split(path, 'name');
}

/** The same for the other name of a hard link, which some builders write from the root of the image. */
export function splitLinkName(path: string): readonly string[] {
  return split(path, 'target');
}

/** Checks what a symlink shall hold. It may lead anywhere: it is for the guest to follow. */
export function checkTarget(target: string): void {
  if (target === '') throw new LayerProblem('its target is empty');
  checkPath(target, 'target');
}

/** A name that a folder of ext4 can hold. */
export function checkName(name: string): void {
  if (name.length > MAX_NAME_BYTES)
    throw new LayerProblem(
      `a name in its path has ${name.length} bytes, at most ${MAX_NAME_BYTES} are possible`,
    );
}

function split(path: string, what: string): readonly string[] {
  if (path === '') throw new LayerProblem(`its ${what} is empty`);
  checkPath(path, what);
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new LayerProblem(`its ${what} holds '..'`);
  names.forEach(checkName);
  return names;
}

function checkPath(path: string, what: string): void {
  if (path.includes('\0')) throw new LayerProblem(`its ${what} holds a NUL byte`);
  if (path.length > MAX_PATH_BYTES)
    throw new LayerProblem(`its ${what} has ${path.length} bytes, at most ${MAX_PATH_BYTES} are possible`);
}
