import { spawn } from 'node:child_process';
import { mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Cleanup } from '../../base/cleanup.ts';
import { minimalEnv, runHostCommand } from '../../base/subprocess.ts';
import { ImageError, toSmolVMError } from '../../errors.ts';
import type { Layer } from './layer.ts';

const MIB = 1024 * 1024;

/** What to build. */
export interface RootfsRequest {
  /** From the lowest up; later ones replace and delete (OCI whiteouts) what is below. */
  readonly layers: readonly Layer[];
  /** MiB of the file system; null: what the contents need and room to work in. */
  readonly sizeMib: number | null;
  /** Where the image appears, whole, by a rename. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Told now and then how many bytes a step has done so far. */
  readonly onProgress?: (progress: RootfsProgress) => void;
}

/** How far a build has come. */
export interface RootfsProgress {
  readonly step: 'unpack' | 'format';
  readonly bytes: number;
}

/** What was built. */
export interface BuiltRootfs {
  /** Bytes of the file system: the length of the image, most of which may be a hole. */
  readonly sizeBytes: number;
  /** Bytes of the files in it, without holes; hard links count once. */
  readonly contentBytes: number;
  /** Names in it, folders and links among them. */
  readonly entryCount: number;
}

/** Unpacks layers into the image of an ext4 file system. */
export async function buildRootfs(request: RootfsRequest): Promise<BuiltRootfs> {
  const undo = new Cleanup();
  try {
    const work = await mkdtemp(join(dirname(request.path), `.${basename(request.path)}-`));
    undo.defer(`remove ${work}`, () => rm(work, { recursive: true, force: true }));
    const tree = join(work, 'tree');
    await runHostCommand({ argv: ['mkdir', tree], signal: request.signal });
    for (const layer of request.layers) await unpack(layer, tree, request.signal);
    const { contentBytes, entryCount } = await measure(tree);
    const sizeMib = request.sizeMib ?? Math.max(512, 1024 + Math.ceil((2 * contentBytes) / MIB));
    const image = join(work, 'rootfs.ext4');
    const file = await open(image, 'wx', 0o600);
    await file.truncate(sizeMib * MIB);
    await file.close();
    const made = await runHostCommand({
      argv: ['mke2fs', '-q', '-F', '-t', 'ext4', '-m', '0', '-d', tree, image],
      signal: request.signal,
    });
    if (made.exitCode !== 0) throw new ImageError(`mke2fs failed: ${made.stderr}`);
    await rename(image, request.path);
    await undo.run();
    return { sizeBytes: sizeMib * MIB, contentBytes, entryCount };
  } catch (error) {
    await undo.run();
    throw toSmolVMError(error, `build ${request.path}`);
  }
}

async function unpack(layer: Layer, tree: string, signal: AbortSignal): Promise<void> {
  const tar = spawn('tar', ['-x', '-C', tree, '--xattrs'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: minimalEnv(),
    signal,
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    tar.once('error', reject).once('close', resolve),
  );
  await pipeline(await layer.open(signal), tar.stdin, { signal });
  if ((await ended) !== 0) throw new ImageError(`the layer ${layer.name} cannot be unpacked`);
}

async function measure(tree: string): Promise<{ contentBytes: number; entryCount: number }> {
  const names = await readdir(tree, { recursive: true });
  let contentBytes = 0;
  for (const name of names) {
    const stats = await stat(join(tree, name)).catch(() => undefined);
    if (stats?.isFile() === true) contentBytes += stats.size;
  }
  return { contentBytes, entryCount: names.length };
}
