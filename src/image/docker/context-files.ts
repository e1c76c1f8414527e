import { createHash } from 'node:crypto';
import { constants, open, mkdir, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { regularFileProblem } from '../../base/regular-file.ts';
import { errnoOf, ImageError, toSmolVMError } from '../../errors.ts';
import type { ContextFile } from './context.ts';

/** What counts of a file of a context: two of the same facts make the same image. */
export interface ContextFact {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  /** Octal, such as `755`. */
  readonly mode: string;
}

/**
 * Reads all files of a context once, to know what they are; sorted by path.
 *
 * @throws ImageError for one that is missing or no file
 */
export async function readContext(
  files: readonly ContextFile[],
  signal: AbortSignal,
): Promise<readonly ContextFact[]> {
  const facts: ContextFact[] = [];
  for (const file of files) facts.push(await readEntry(file, signal));
  return facts.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Writes the files of a context into an empty folder.
 *
 * @param facts - what {@link readContext} found; a file that has changed since is refused, because what is built would
 * be kept under a name that says something else
 */
export async function stageContext(
  folder: string,
  files: readonly ContextFile[],
  facts: readonly ContextFact[],
  signal: AbortSignal,
): Promise<void> {
  const known = new Map(facts.map((fact) => [fact.path, fact]));
  for (const file of files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, '', { mode: 0o600, flag: 'wx' });
    const target = await open(path, 'r+');
    try {
      const fact = await readEntry(file, signal, target);
      if (JSON.stringify(fact) !== JSON.stringify(known.get(file.path)))
        throw new ImageError(`the file ${file.path} of the build context changed while it was read`, {
          hint: 'Try again when nobody writes it.',
        });
      // After the contents: the umask does not count, and a file without the right to write can be filled.
      await target.chmod(Number.parseInt(fact.mode, 8));
    } finally {
      await target.close();
    }
  }
}

/** Reads a file to its end, into `target` where one is given. */
async function readEntry(
  { path, source, mode }: ContextFile,
  signal: AbortSignal,
  target?: FileHandle,
): Promise<ContextFact> {
  const hash = createHash('sha256');
  let size = 0;
  const take = async (bytes: Uint8Array): Promise<void> => {
    signal.throwIfAborted();
    hash.update(bytes);
    size += bytes.length;
    await target?.writeFile(bytes);
  };
  let octalMode = mode;
  if ('content' in source) await take(source.content);
  else octalMode = await readHostFile(source.hostPath, mode, take);
  return { path, sha256: hash.digest('hex'), size, mode: (octalMode ?? 0o644).toString(8) };
}

/** Gives the contents of a file to `take`, and its mode unless another is wished. */
async function readHostFile(
  path: string,
  mode: number | undefined,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<number> {
  const problem = regularFileProblem(path);
  if (problem !== undefined) throw new ImageError(`the build context: ${problem}`, { details: { path } });
  try {
    // What was a file a moment ago may be a pipe now, and opening one must not wait.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw new ImageError(`the build context: ${path} is not a regular file`);
      for await (const bytes of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>)
        await take(bytes);
      return mode ?? stats.mode & 0o7777;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'EACCES')
      throw new ImageError(`the build context: ${path} may not be read`, { cause: error, details: { path } });
    throw toSmolVMError(error, `read ${path}`);
  }
}
