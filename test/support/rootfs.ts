import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Layer } from '../../src/image/rootfs/layer.ts';
import { fixture } from './places.ts';

const E2FSPROGS_ENV = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };

/** Fields of a header that a test wants to be so; the rest is of an empty file. */
export interface RawEntry {
  readonly name: string;
  readonly typeflag?: string;
  readonly linkName?: string;
  readonly contents?: string | Buffer;
  /** As it stands in the header; the contents' length if absent. */
  readonly size?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly checksum?: string;
  readonly device?: readonly [string, string];
}

/** Bytes of one entry, as written by hand: nothing is checked. Strings are one character a byte. */
export function rawEntry(entry: RawEntry): Buffer {
  const { contents: given = '' } = entry;
  const contents = typeof given === 'string' ? Buffer.from(given, 'latin1') : given;
  const fields: readonly (readonly [text: string | undefined, at: number, bytes: number])[] = [
    [entry.name, 0, 100],
    [entry.mode ?? '0000644', 100, 8],
    [entry.uid ?? '0000000', 108, 8],
    ['0000000', 116, 8],
    [entry.size ?? contents.length.toString(8).padStart(11, '0'), 124, 12],
    ['14000000000', 136, 12],
    ['        ', 148, 8],
    [entry.typeflag ?? '0', 156, 1],
    [entry.linkName, 157, 100],
    ['ustar\x0000', 257, 8],
    [entry.device?.[0], 329, 8],
    [entry.device?.[1], 337, 8],
  ];
  const header = Buffer.alloc(512);
  for (const [text = '', at, bytes] of fields) header.write(text, at, bytes, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(entry.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return Buffer.concat([header, contents, Buffer.alloc((512 - (contents.length % 512)) % 512)]);
}

/** A whole archive, with its end. */
export function rawArchive(...entries: readonly (RawEntry | Buffer)[]): Buffer {
  const parts = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : rawEntry(entry)));
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** An extended header of these records. */
export function paxEntry(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length += 1;
    return `${length}${rest}`;
  });
  return rawEntry({ name: 'pax', typeflag: 'x', contents: lines.join('') });
}

/** A layer of these bytes, which come in pieces of `pieceBytes`. */
export function bytesLayer(name: string, bytes: Buffer, pieceBytes = 100_000): Layer {
  const pieces = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  return { name, open: async () => Readable.from(pieces(), { objectMode: false }) };
}

/** What GNU tar makes of a folder. */
export function tarLayer(folder: string, ...options: readonly string[]): Layer {
  return {
    name: folder,
    open: async () => {
      const tar = spawn('tar', [...options, '-C', folder, '-cf', '-', '.'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return tar.stdout;
    },
  };
}

/** What is known of one file; see list-tree.py. */
export type FileFacts = Readonly<Record<string, unknown>>;

/** All files below a folder by their names, which are escaped to be read. */
export function listTree(folder: string): Readonly<Record<string, FileFacts>> {
  const text = execFileSync('python3', [fixture('list-tree.py'), folder], {
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  const byHex = Object.entries(JSON.parse(text) as Record<string, FileFacts>);
  return Object.fromEntries(byHex.map(([hex, facts]) => [Buffer.from(hex, 'hex').toString('latin1'), facts]));
}

/** Why no image can be mounted here; undefined: they can. That needs root and loop devices. */
export function mountProblem(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'smolvm-mount-'));
  try {
    const image = join(folder, 'image');
    writeFileSync(image, Buffer.alloc(2 ** 20));
    execFileSync('mke2fs', ['-q', '-F', image], { env: E2FSPROGS_ENV, stdio: 'pipe' });
    whileMounted(image, () => undefined);
    return;
  } catch (error) {
    return String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Mounts an image read-only while `use` runs. */
export function whileMounted<T>(image: string, use: (folder: string) => T): T {
  const folder = `${image}.mounted`;
  mkdirSync(folder);
  execFileSync('mount', ['-o', 'loop,ro', image, folder]);
  try {
    return use(folder);
  } finally {
    execFileSync('umount', [folder]);
  }
}

/** What e2fsck finds wrong with an image; empty: nothing. */
export function fsckProblems(image: string): string {
  const { status, stdout } = spawnSync('e2fsck', ['-fn', image], {
    encoding: 'utf8',
    env: E2FSPROGS_ENV,
  });
  return status === 0 ? '' : `${status}: ${stdout}`;
}

/** What debugfs answers. */
export function debugfs(image: string, request: string): string {
  return execFileSync('debugfs', ['-R', request, image], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: E2FSPROGS_ENV,
  });
}
