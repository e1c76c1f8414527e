import { stat } from 'node:fs/promises';
import type { SmolVM } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import type { CopyRequest } from '../copy-request.ts';
import { safeLine } from '../safe-text.ts';
import { UsageError } from '../usage-error.ts';
import { withVm } from '../with-vm.ts';

type Kind = 'file' | 'folder';

/** `smolvm cp`: what the source is decides whether a file or a folder is copied. */
export async function cp(context: CliContext, request: CopyRequest): Promise<Outcome> {
  if (context.json && request.direction === 'download' && request.localPath === null)
    throw new UsageError('with --json stdout is for the result: give a local file instead of -');
  return withVm(request.vmId, async (vm) => {
    const { kind, localPath, guestPath } = await copy(vm, request, context);
    const inVm = `${vm.vmId}:${guestPath}`;
    const [from, to] = request.direction === 'upload' ? [localPath, inVm] : [inVm, localPath];
    context.say(safeLine(`${from ?? 'stdin'} → ${to ?? 'stdout'}`));
    return { data: { vmId: vm.vmId, direction: request.direction, kind, localPath, guestPath } };
  });
}

interface Copied {
  readonly kind: Kind;
  readonly localPath: string | null;
  readonly guestPath: string;
}

async function copy(vm: SmolVM, request: CopyRequest, context: CliContext): Promise<Copied> {
  const { localPath, guestPath } = request;
  const options = { ...request.options, signal: context.signal };
  if (request.direction === 'upload') {
    if (localPath === null) {
      await vm.files.write(guestPath, context.stdin, options);
      return { kind: 'file', localPath, guestPath };
    }
    const kind = await localKind(localPath);
    const upload = kind === 'folder' ? vm.uploadFolder.bind(vm) : vm.uploadFile.bind(vm);
    return { kind, localPath, guestPath: await upload(localPath, guestPath, options) };
  }
  if (localPath === null) {
    for await (const chunk of vm.files.readStream(guestPath, options) as AsyncIterable<Buffer>)
      await context.stdout.write(chunk);
    return { kind: 'file', localPath, guestPath };
  }
  const { type } = await vm.files.stat(guestPath, options);
  const kind = type === 'directory' ? 'folder' : 'file';
  const download = kind === 'folder' ? vm.downloadFolder.bind(vm) : vm.downloadFile.bind(vm);
  return { kind, localPath: await download(guestPath, localPath, options), guestPath };
}

/** What cannot be looked at is taken for a file: the upload then says what is wrong with it. */
async function localKind(path: string): Promise<Kind> {
  return stat(path).then(
    (stats) => (stats.isDirectory() ? 'folder' : 'file'),
    () => 'file',
  );
}
