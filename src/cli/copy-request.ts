import type { CopyOptions } from '../index.ts';
import { UsageError } from './usage-error.ts';

/** Options as commander hands them over. */
export interface RawCopy {
  readonly user?: string;
  /** False by `--no-make-dirs`. */
  readonly makeDirs: boolean;
}

/** A copy, parsed. */
export interface CopyRequest {
  readonly direction: 'upload' | 'download';
  readonly vmId: string;
  readonly guestPath: string;
  /** null: stdin or stdout. */
  readonly localPath: string | null;
  readonly options: CopyOptions;
}

type Side =
  | { readonly where: 'guest'; readonly vmId: string; readonly guestPath: string }
  | { readonly where: 'here'; readonly localPath: string | null };

const COLON_HINT = 'A path in a VM is NAME:/path. A local path with a colon is written ./a:b';

/** SRC and DST → what to copy. Exactly one of the two is in a VM. */
export function copyRequest(from: string, to: string, { user, makeDirs }: RawCopy): CopyRequest {
  const [source, target] = [parseSide(from), parseSide(to)];
  const options = { user, makeDirs };
  if (source.where === 'here' && target.where === 'guest') {
    const { localPath } = source;
    if (localPath === null && target.guestPath.endsWith('/'))
      throw new UsageError(`stdin has no name: '${to}' must name the file, not its folder`);
    return { direction: 'upload', vmId: target.vmId, guestPath: target.guestPath, localPath, options };
  }
  if (source.where === 'guest' && target.where === 'here') {
    const { vmId, guestPath } = source;
    return { direction: 'download', vmId, guestPath, localPath: target.localPath, options };
  }
  if (source.where === 'guest')
    throw new UsageError(
      'both paths are in VMs',
      'Pass a file through here: smolvm cp a:/file - | smolvm cp - b:/file',
    );
  throw new UsageError('neither path is in a VM', COLON_HINT);
}

/** `NAME:/path`, `-`, or a local path: a colon counts only before the first slash. */
function parseSide(text: string): Side {
  if (text === '') throw new UsageError('a path is empty');
  if (text === '-') return { where: 'here', localPath: null };
  const { vmId, guestPath } = /^(?<vmId>[^/:]*):(?<guestPath>[^]*)$/.exec(text)?.groups ?? {};
  if (vmId === undefined || guestPath === undefined) return { where: 'here', localPath: text };
  if (vmId !== '' && guestPath.startsWith('/')) return { where: 'guest', vmId, guestPath };
  throw new UsageError(`expected NAME:/path with an absolute path, received '${text}'`, COLON_HINT);
}
