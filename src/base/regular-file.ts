import { statSync } from 'node:fs';
import { errnoOf, toSmolVMError } from '../errors.ts';
import { escapeText } from './escape-text.ts';

/** Why there is no regular file at `path` that we could use, naming the path; undefined if there is one. */
export function regularFileProblem(path: string): string | undefined {
  const named = escapeText(path);
  try {
    return statSync(path).isFile() ? undefined : `${named} is not a regular file`;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return `there is no file ${named}`;
    if (errno === 'EACCES' || errno === 'ELOOP' || errno === 'ENAMETOOLONG')
      return `${named} cannot be looked at (${errno})`;
    throw toSmolVMError(error, `look at ${path}`);
  }
}
