import { createReadStream, readdirSync, statSync, unlinkSync } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { isAlive, ownProcessRef } from '../../base/process-ref.ts';
import { syncFolder, writeAll } from '../../base/write-atomic.ts';
import { errnoOf } from '../../errors.ts';

const SUFFIX = '.partial';
/** Parts that nobody completes do not fill the disk. */
const MAX_ABANDONED = 8;
/** `<digest>.partial` is free; with pid, start time, boot and a number before the suffix it is that process's. */
const NAME_PATTERN = /^([0-9a-f]+)(?:\.([0-9]+)-([0-9]+)-([0-9a-f-]+)-[0-9a-f]+)?\.partial$/;

/**
 * What has come of a blob, beside the place of the whole. Its name says whose it is: a part is taken over by renaming
 * it, which only one can do, and only from nobody or from a dead process.
 */
export class PartialFile {
  readonly #path: string;
  readonly #freePath: string;
  readonly #handle: FileHandle;
  #sizeBytes: number;

  private constructor(path: string, freePath: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#freePath = freePath;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  /** Takes over what there is of the file at `finalPath`, or begins it. */
  static async claim(finalPath: string): Promise<PartialFile> {
    const { pid, startTicks, bootId } = ownProcessRef();
    const owner = `${String(pid)}-${String(startTicks)}-${bootId}-${randomBytes(4).toString('hex')}`;
    const path = `${finalPath}.${owner}${SUFFIX}`;
    for (const candidate of abandonedParts(dirname(finalPath))) {
      if (candidate.startsWith(`${finalPath}.`) && (await hasRenamed(candidate, path))) break;
    }
    const handle = await open(path, 'a+', 0o600);
    return new PartialFile(path, `${finalPath}${SUFFIX}`, handle, (await handle.stat()).size);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Feeds what there is to `take`. */
  async replay(take: (bytes: Uint8Array) => void): Promise<void> {
    for await (const chunk of createReadStream(this.#path) as AsyncIterable<Buffer>) take(chunk);
  }

  async append(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#handle, bytes, this.#sizeBytes);
    this.#sizeBytes += bytes.length;
  }

  /** Begins anew. */
  async clear(): Promise<void> {
    await this.#handle.truncate(0);
    this.#sizeBytes = 0;
  }

  /** Gives it its name as a whole, read-only and durable. */
  async complete(finalPath: string): Promise<void> {
    try {
      await this.#handle.chmod(0o444);
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
    await rename(this.#path, finalPath);
    await syncFolder(dirname(finalPath));
  }

  /** Leaves it to whoever asks for the blob next. */
  async release(): Promise<void> {
    await this.#handle.close();
    if (this.#sizeBytes === 0) await unlink(this.#path);
    else await rename(this.#path, this.#freePath);
  }

  async discard(): Promise<void> {
    await this.#handle.close();
    await unlink(this.#path);
  }
}

/** Removes parts that nobody works on, but for the newest. */
export function sweepParts(folder: string): void {
  for (const path of abandonedParts(folder).slice(MAX_ABANDONED)) {
    try {
      unlinkSync(path);
    } catch (error) {
      // Somebody has just taken it over.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** Parts that belong to nobody or to a dead process, the newest first. */
function abandonedParts(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX) && isAbandoned(name))
    .map((name) => join(folder, name))
    .map((path) => ({ path, changedMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.changedMs - one.changedMs)
    .map(({ path }) => path);
}

function isAbandoned(name: string): boolean {
  const [, , pid, startTicks, bootId] = NAME_PATTERN.exec(name) ?? [];
  if (pid === undefined || startTicks === undefined || bootId === undefined) return true;
  return !isAlive({ pid: Number(pid), startTicks: Number(startTicks), bootId });
}

async function hasRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
