import { constants } from 'node:os';
import { escapeText } from '../../../base/escape-text.ts';
import { SmolVMError } from '../../../errors.ts';

/** `ERRNO OP PATH` → error. Pure. */
export function toolFailure(stderr: string): SmolVMError {
  const [, number = '', operation = '', path = ''] = /^(\d{1,4}) (\S*) ?([^]*)$/.exec(stderr) ?? [];
  const errno = errnoName(Number(number));
  const reason = REASONS[errno] ?? errno;
  const place = path === '' ? '' : ` '${escapeText(path)}'`;
  return new SmolVMError('GUEST_FILE_FAILED', `in the guest: ${escapeText(operation)}${place}: ${reason}`, {
    hint: HINTS[errno],
    details: { errno, operation: escapeText(operation), path: escapeText(path) },
  });
}

function errnoName(number: number): string {
  const found = Object.entries(constants.errno).find(([, value]) => value === number);
  return found?.[0] ?? `errno ${String(number)}`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EEXIST: 'it exists already',
  ENOTDIR: 'not a folder',
  EISDIR: 'it is a folder',
  ENOTEMPTY: 'the folder is not empty',
  ENOSPC: 'no space left on its disk',
  EROFS: 'its file system is read-only',
  ECONNREFUSED: 'nobody listens there',
  EIO: 'the data did not come whole',
};

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path, or make the folder first (makeDirs).',
  ENOSPC: 'Free space in the guest, or create the VM with a larger diskSizeMib.',
  EACCES: 'Work as another user (option user).',
};
