import { Readable } from 'node:stream';
import { extract, type Extract, type Header } from 'tar-stream';
import type { Layer } from '../rootfs/layer.ts';

/** A file that went by. */
export interface SeenFile {
  readonly mode: number;
  readonly gid: number;
  readonly contents: Buffer;
}

/** What is kept of a file. One that is larger is not seen. */
const MAX_FILE_BYTES = 1024 * 1024;

/** The same layer, and, once it has been read to its end, one of its files: undefined if it is not there. */
export function watchFile(
  layer: Layer,
  path: string,
): { readonly layer: Layer; readonly seen: () => SeenFile | undefined } {
  let seen: SeenFile | undefined;
  const open = async (signal: AbortSignal): Promise<Readable> => {
    seen = undefined;
    const reader = extract();
    reader.on('entry', (header, contents, next) => {
      const pieces: Buffer[] = [];
      if (isFileNamed(header, path)) contents.on('data', (piece) => pieces.push(piece as Buffer));
      else contents.resume();
      contents.on('end', () => {
        if (isFileNamed(header, path))
          seen = { mode: header.mode, gid: header.gid, contents: Buffer.concat(pieces) };
        next();
      });
    });
    return Readable.from(passing(await layer.open(signal), reader), { objectMode: false });
  };
  return { layer: { name: layer.name, open }, seen: () => seen };
}

/** The bytes as they are; the reader gets them too. What it cannot read, who takes the bytes cannot read either. */
async function* passing(source: Readable, reader: Extract): AsyncGenerator<Buffer> {
  const closed = new Promise<void>((resolve) => {
    reader.on('error', () => undefined).on('close', resolve);
  });
  try {
    for await (const bytes of source as AsyncIterable<Buffer>) {
      if (!reader.destroyed && !reader.write(bytes)) await Promise.race([closed, drained(reader)]);
      yield bytes;
    }
    reader.end(Buffer.alloc(0));
    await closed;
  } finally {
    reader.destroy();
    source.destroy();
  }
}

function drained(reader: Extract): Promise<void> {
  return new Promise((resolve) => {
    reader.once('drain', () => {
      resolve();
    });
  });
}

function isFileNamed({ name, type, size }: Header, path: string): boolean {
  return type === 'file' && name.replace(/^(?:\.?\/)+/, '') === path && size <= MAX_FILE_BYTES;
}
