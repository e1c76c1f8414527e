import { encodeXattrs } from './ext4/xattrs.ts';
import { LayerProblem, layerFailure } from './layer-problem.ts';
import type { Layer } from './layer.ts';
import type { Spool } from './spool.ts';
import { ByteSource } from './tar/byte-source.ts';
import { readTar, type TarEntry } from './tar/read-tar.ts';
import { addEntry, putFile } from './tree/add-entry.ts';
import type { Tree } from './tree/tree.ts';

/** Where layers are unpacked to. */
export interface Unpacking {
  readonly tree: Tree;
  readonly spool: Spool;
  /** Bytes of all files in all layers, holes among them. */
  readonly maxContentBytes: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  /** Bytes taken so far. */
  contentBytes: number;
}

/** Lays one more layer over those that are unpacked. */
export async function applyLayer(layer: Layer, unpacking: Unpacking): Promise<void> {
  let entryName: string | null = null;
  try {
    const stream = await layer.open(unpacking.signal);
    // It is thrown where the stream is read; when nobody reads any more, nobody needs it.
    stream.on('error', () => undefined);
    try {
      unpacking.tree.layer += 1;
      for await (const entry of readTar(new ByteSource(stream, unpacking.signal))) {
        entryName = entry.name;
        await applyEntry(entry, unpacking);
        entryName = null;
      }
    } finally {
      stream.destroy();
    }
  } catch (error) {
    unpacking.signal.throwIfAborted();
    throw layerFailure(error, layer.name, entryName);
  }
}

async function applyEntry(entry: TarEntry, unpacking: Unpacking): Promise<void> {
  const { tree, spool, maxContentBytes, onBytes } = unpacking;
  unpacking.contentBytes += entry.sizeBytes;
  if (unpacking.contentBytes > maxContentBytes)
    throw new LayerProblem(`the files in all layers have more than ${maxContentBytes} bytes`);
  // Refused here, where its name is known, and not when it is written.
  encodeXattrs(entry.xattrs);
  const file = addEntry(tree, entry);
  if (file === null) return;
  putFile(tree, file, await spool.add(entry.body));
  onBytes(unpacking.contentBytes);
}
