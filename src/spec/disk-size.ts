import { ValidationError } from '../errors.ts';

const MIB = 1024 * 1024;

/**
 * The size of an isolated disk: what was asked for, else that of what it is made from.
 *
 * @param source - names it in the error: "the image /x"
 */
export function diskSizeBytes(diskSizeMib: number | null, sourceBytes: number, source: string): number {
  if (diskSizeMib === null) return sourceBytes;
  if (diskSizeMib * MIB >= sourceBytes) return diskSizeMib * MIB;
  throw new ValidationError('VM options', [
    `diskSizeMib: a disk never shrinks: ${mib(diskSizeMib * MIB)} were asked for, ${source} has ${mib(sourceBytes)}`,
  ]);
}

function mib(bytes: number): string {
  return Number.isInteger(bytes / MIB) ? `${String(bytes / MIB)} MiB` : `${(bytes / MIB).toFixed(3)} MiB`;
}
