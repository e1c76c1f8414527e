import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { errnoOf, SmolVMError, toSmolVMError } from '../errors.ts';

/**
 * Makes sure that `path` is a folder of ours that nobody else can enter (mode 0700), making it and its parents where
 * missing. A link, another owner or a wider mode is refused: somebody else may have put it there first.
 */
export function ensurePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Something that is no folder is there; the check below names it.
    const errno = errnoOf(error);
    const isTaken = errno === 'EEXIST' || (errno === 'ENOENT' && isDanglingLink(path));
    if (!isTaken) throw toSmolVMError(error, `make the folder ${path}`);
  }
  const problem = privacyProblem(lstatSync(path));
  if (problem === undefined) return;
  throw new SmolVMError('PERMISSION_DENIED', `${path} ${problem}`, {
    hint: 'Move it away, or choose another place with SMOLVM_HOME (state) or XDG_RUNTIME_DIR (sockets).',
    details: { path },
  });
}

function isDanglingLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function privacyProblem(stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return 'is a symbolic link, so it cannot be trusted with private files';
  if (!stats.isDirectory()) return 'is not a folder';
  if (stats.uid !== process.getuid?.()) return `belongs to user ${String(stats.uid)}, not to you`;
  if ((stats.mode & 0o077) !== 0)
    return `can be entered by others (mode 0${(stats.mode & 0o777).toString(8)}, needs 0700)`;
  return undefined;
}
