import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ImageError } from '../errors.ts';

/** The guest agent as a program of its own. */
export interface AgentProgramFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** The agent of an initrd of ours, where it is `init`. */
export function readAgentProgram(initrdPath: string): AgentProgramFile {
  const bytes = findInArchive(readFileSync(initrdPath), 'init');
  if (bytes === undefined) {
    throw new ImageError(`${initrdPath} holds no agent`, {
      hint: 'Install smolvm again, or in a clone: npm run assets:build',
    });
  }
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

const MAGIC = '070701';
const HEADER_CHARS = 110;
const SIZE_FIELD = 6;
const NAME_FIELD = 11;

/**
 * A file of a "newc" archive (kernel: Documentation/driver-api/early-userspace/buffer-format): headers of 13 numbers
 * in 8 hexadecimal digits, then name and contents, each filled up to a multiple of 4 bytes. Pure.
 */
export function findInArchive(archive: Buffer, wanted: string): Buffer | undefined {
  for (let at = 0; at + HEADER_CHARS <= archive.length;) {
    const header = archive.toString('latin1', at, at + HEADER_CHARS);
    if (!header.startsWith(MAGIC)) return undefined;
    const [size, nameSize] = [SIZE_FIELD, NAME_FIELD].map((field) => fieldOf(header, field));
    if (size === undefined || nameSize === undefined) return undefined;
    const name = archive.toString('latin1', at + HEADER_CHARS, at + HEADER_CHARS + nameSize - 1);
    const begin = padded(at + HEADER_CHARS + nameSize);
    if (begin + size > archive.length) return undefined;
    if (name === wanted) return archive.subarray(begin, begin + size);
    at = padded(begin + size);
  }
  return undefined;
}

function fieldOf(header: string, index: number): number | undefined {
  const digits = header.slice(MAGIC.length + index * 8, MAGIC.length + index * 8 + 8);
  return /^[0-9a-fA-F]{8}$/.test(digits) ? parseInt(digits, 16) : undefined;
}

function padded(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}
