import { Readable } from 'node:stream';
import { Handover } from '../../base/handover.ts';
import { SmolVMError } from '../../errors.ts';
import { WORTHWHILE_BYTES } from '../../guest/agent/tools/area-records.ts';
import { ChunkReader } from '../../guest/agent/tools/chunk-reader.ts';
import { readEntry, type GuestEntry } from '../../guest/agent/tools/entries.ts';
import type { CommandInput } from '../command/supervise.ts';
import { parseGuestPath, parseMode, parseRange } from './file-arguments.ts';
import { runTool, type Connect } from './run-tool.ts';

/** Who does it, and when it is given up. */
export interface FileOptions {
  /** Guest user: `name`, `uid`, `name:group` or `uid:gid`. Default root. */
  readonly user?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link GuestFiles.read} takes. */
export interface ReadOptions extends FileOptions {
  /** Bytes to skip. Default 0. */
  readonly offset?: number | undefined;
  /** Bytes to read at most. Default: to the end. */
  readonly length?: number | undefined;
  /** Refuse to take more than so many bytes into memory. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
}

/** What {@link GuestFiles.write} takes. */
export interface WriteOptions extends FileOptions {
  /** Permission bits; default: those of the file that is replaced, else 0o644. */
  readonly mode?: number | undefined;
  /** Make missing folders (0o755). Default true. */
  readonly makeDirs?: boolean | undefined;
  /** Fail with `EEXIST` if there is something. Default false. */
  readonly exclusive?: boolean | undefined;
  /** Return only when it is on the guest's disk. Default false. */
  readonly sync?: boolean | undefined;
}

const DEFAULT_READ_BYTES = 256 * 1024 * 1024;

/**
 * The files of a running VM. Paths are absolute guest paths. All of it is done by the guest's agent: the image needs no
 * shell and no programs for it. Every failure of the guest is `GUEST_FILE_FAILED` with `details.errno`.
 *
 * @example
 * ```ts
 * await vm.files.write('/srv/app/config.json', '{"port": 8080}');
 * const entries = await vm.files.list('/srv/app');
 * ```
 */
export class GuestFiles {
  readonly #connect: Connect;

  /** Made by {@link SmolVM.files}. */
  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** The bytes of a file. @throws INVALID_ARGUMENT (more than `maxBytes`), GUEST_FILE_FAILED */
  async read(path: string, options: ReadOptions = {}): Promise<Buffer> {
    const maxBytes = options.maxBytes ?? DEFAULT_READ_BYTES;
    const chunks: Buffer[] = [];
    let size = 0;
    await this.#read(path, options, (bytes) => {
      size += bytes.length;
      if (size > maxBytes) {
        throw new SmolVMError('INVALID_ARGUMENT', `the file is longer than maxBytes (${String(maxBytes)})`, {
          hint: 'Raise maxBytes, read a part (offset, length), or use readStream.',
        });
      }
      chunks.push(bytes);
    });
    return Buffer.concat(chunks);
  }

  /** The text of a file, as UTF-8. */
  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return (await this.read(path, options)).toString('utf8');
  }

  /** A file as a Node stream; failures are its errors. */
  readStream(path: string, options: ReadOptions = {}): Readable {
    const controller = new AbortController();
    const chunks = new Handover<Buffer>(() => {
      controller.abort();
    });
    const signal =
      options.signal === undefined ? controller.signal : AbortSignal.any([controller.signal, options.signal]);
    this.#read(path, { ...options, signal }, (bytes) => chunks.put(bytes)).then(
      () => {
        chunks.end();
      },
      (error: unknown) => {
        chunks.end(error as Error);
      },
    );
    return Readable.from(chunks, { objectMode: false });
  }

  /** Writes a file: the old contents or the new ones are there, never a part. Follows a symlink. */
  async write(path: string, contents: NonNullable<CommandInput>, options: WriteOptions = {}): Promise<void> {
    await this.#write(path, contents, options, '');
  }

  /** Adds to the end of a file, which is made if need be. */
  async append(
    path: string,
    contents: NonNullable<CommandInput>,
    options: Omit<WriteOptions, 'exclusive'> = {},
  ): Promise<void> {
    await this.#write(path, contents, options, 'a');
  }

  /** What a path is; a symlink is followed. */
  async stat(path: string, options: FileOptions = {}): Promise<GuestEntry> {
    return this.#entry(['stat', parseGuestPath(path)], options);
  }

  /** What a path is; a symlink is that. */
  async lstat(path: string, options: FileOptions = {}): Promise<GuestEntry> {
    return this.#entry(['lstat', parseGuestPath(path)], options);
  }

  /** Is there something? A symlink to nothing is nothing. Any other failure than that is thrown. */
  async exists(path: string, options: FileOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (error instanceof SmolVMError && ['ENOENT', 'ENOTDIR'].includes(String(error.details['errno'])))
        return false;
      throw error;
    }
  }

  /** The entries of a folder, by name. */
  async list(path: string, options: FileOptions = {}): Promise<readonly GuestEntry[]> {
    const entries = await this.#entries(['list', parseGuestPath(path)], options);
    return entries.toSorted((a, b) => Buffer.compare(a.nameBytes, b.nameBytes));
  }

  /** Makes a folder; with `makeDirs` (default) also the missing ones above, and one that is there is fine. */
  async mkdir(
    path: string,
    options: FileOptions & {
      readonly mode?: number | undefined;
      readonly makeDirs?: boolean | undefined;
    } = {},
  ): Promise<void> {
    const { mode = 0o755, makeDirs = true, ...who } = options;
    await this.#run(['mkdir', parseGuestPath(path), parseMode(mode), makeDirs ? 'p' : '-'], who);
  }

  /** Removes a file, symlink or empty folder; with `recursive` a folder and all in it. */
  async remove(
    path: string,
    options: FileOptions & {
      readonly recursive?: boolean | undefined;
      readonly force?: boolean | undefined;
    } = {},
  ): Promise<void> {
    const { recursive = false, force = false, ...who } = options;
    const flags = `${recursive ? 'r' : ''}${force ? 'f' : ''}`;
    await this.#run(['remove', parseGuestPath(path), flags || '-'], who);
  }

  /** Renames within one file system; what is at the new path is replaced, unless `exclusive`. */
  async rename(
    from: string,
    to: string,
    options: FileOptions & { readonly exclusive?: boolean | undefined } = {},
  ): Promise<void> {
    const { exclusive = false, ...who } = options;
    await this.#run(['rename', parseGuestPath(from), parseGuestPath(to), exclusive ? 'x' : '-'], who);
  }

  /** Sets the permission bits. */
  async chmod(path: string, mode: number, options: FileOptions = {}): Promise<void> {
    await this.#run(['chmod', parseGuestPath(path), parseMode(mode)], options);
  }

  async #read(
    path: string,
    options: ReadOptions,
    onOutput: (bytes: Buffer) => void | Promise<void>,
  ): Promise<void> {
    const { offset, length } = parseRange(options);
    const argv = ['read', parseGuestPath(path), String(offset), String(length ?? -1)];
    const { user, signal } = options;
    const bulk = length === undefined || length >= WORTHWHILE_BYTES ? 'output' : undefined;
    await runTool(this.#connect, { argv, user, signal, bulk, onOutput });
  }

  async #write(
    path: string,
    contents: NonNullable<CommandInput>,
    options: WriteOptions,
    flag: 'a' | '',
  ): Promise<void> {
    const { mode, makeDirs = true, exclusive = false, sync = false, ...who } = options;
    const bytes = typeof contents === 'string' ? Buffer.from(contents, 'utf8') : contents;
    const flags = `${flag}${exclusive ? 'x' : ''}${makeDirs ? 'p' : ''}${sync ? 's' : ''}`;
    const size = bytes instanceof Uint8Array ? bytes.length : -1;
    await this.#run(
      ['write', parseGuestPath(path), mode === undefined ? '-' : parseMode(mode), flags || '-', String(size)],
      who,
      bytes,
    );
  }

  async #run(argv: readonly string[], { user, signal }: FileOptions, input?: CommandInput): Promise<void> {
    await runTool(this.#connect, { argv, user, signal, input, bulk: 'input' });
  }

  async #entry(argv: readonly string[], options: FileOptions): Promise<GuestEntry> {
    const [entry] = await this.#entries(argv, options);
    if (entry === undefined)
      throw new SmolVMError('PROTOCOL_ERROR', 'the guest told nothing of a file that it has');
    return entry;
  }

  async #entries(argv: readonly string[], { user, signal }: FileOptions): Promise<GuestEntry[]> {
    const chunks: Buffer[] = [];
    let size = 0;
    const onOutput = (bytes: Buffer): void => {
      size += bytes.length;
      if (size > DEFAULT_READ_BYTES)
        throw new SmolVMError('GUEST_FILE_FAILED', 'the folder has too many entries to list');
      chunks.push(Buffer.from(bytes));
    };
    await runTool(this.#connect, { argv, user, signal, onOutput });
    const reader = new ChunkReader(Readable.from(chunks));
    const entries: GuestEntry[] = [];
    while (!(await reader.atEnd())) entries.push(await readEntry(reader));
    return entries;
  }
}
