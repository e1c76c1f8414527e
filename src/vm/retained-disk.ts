import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { writeAll, writeFileAtomic } from '../base/write-atomic.ts';
import { inspectOverlay } from '../disk/overlay-file.ts';
import { ImageError } from '../errors.ts';
import { vmPaths, type VmPaths } from '../spec/file-names.ts';
import { checkWith } from '../spec/parse.ts';
import { VM_ID_PATTERN } from '../spec/vm-id.ts';
import type { ResolvedVm } from '../spec/vm-record.ts';
import type { Services } from './services.ts';

/** Says that a disk was kept on purpose, and over which image it lies. A disk without it is a leftover. */
const markerSchema = v.strictObject({
  formatVersion: v.literal(1),
  vmId: v.pipe(v.string(), v.regex(VM_ID_PATTERN)),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  imagePath: v.string(),
  imageIdentity: v.string(),
  retainedAt: v.string(),
});

/** A disk that outlived its VM. */
export type RetainedDisk = Readonly<v.InferOutput<typeof markerSchema>>;

/** A marker is small; a larger file is none. */
const MAX_MARKER_BYTES = 64 * 1024;

export function hasMarker(paths: VmPaths): boolean {
  return existsSync(paths.retainedMarker);
}

/** The disk that an earlier VM of this id has left, if marker and disk are sound; undefined if there is none. */
export function findRetained(paths: VmPaths, vmId: string): RetainedDisk | undefined {
  if (!hasMarker(paths)) return undefined;
  const marker = readMarker(paths);
  if (marker?.vmId !== vmId) throw unusable(vmId, `its marker ${paths.retainedMarker} is damaged`);
  const disk = inspectOverlay(paths.disk);
  if (!disk.isSound) throw unusable(vmId, disk.problem);
  if (disk.sizeBytes < marker.sizeBytes)
    throw unusable(vmId, `${paths.disk} is smaller than its marker says`);
  return { ...marker, sizeBytes: disk.sizeBytes };
}

/** A retained disk that must not be used, with the way out. */
export function unusable(vmId: string, why: string, cure = ''): ImageError {
  return new ImageError(`the retained disk of VM '${vmId}' cannot be used: ${why}`, {
    hint: `${cure}Remove the disk: smolvm delete ${vmId}; or choose another id.`,
    details: { vmId },
  });
}

/** Makes the disk of a VM that goes a retained one: first the marker, then all but the two is removed. */
export async function retainDisk(paths: VmPaths, vm: ResolvedVm): Promise<void> {
  const disk = inspectOverlay(paths.disk);
  const marker: RetainedDisk = {
    formatVersion: 1,
    vmId: vm.vmId,
    sizeBytes: disk.isSound ? disk.sizeBytes : vm.diskSizeBytes,
    imagePath: vm.rootfsPath,
    imageIdentity: vm.imageIdentity ?? 'unknown',
    retainedAt: new Date().toISOString(),
  };
  const bytes = Buffer.from(JSON.stringify(marker));
  await writeFileAtomic({
    path: paths.retainedMarker,
    mode: 0o600,
    write: (file) => writeAll(file, bytes, 0),
  });
  await removeAllBut(paths, [paths.disk, paths.retainedMarker]);
}

/** Removes what a create or start that failed has put beside a retained disk. */
export async function removeAllBut(paths: VmPaths, kept: readonly string[]): Promise<void> {
  const all = readdirSync(paths.folder).map((name) => join(paths.folder, name));
  for (const path of all.filter((one) => !kept.includes(one)))
    await rm(path, { recursive: true, force: true });
}

/** A retained disk in a list. What its marker does not tell is null. */
export interface RetainedDiskInfo {
  readonly vmId: string;
  readonly state: 'retained';
  readonly diskSizeMib: number | null;
  readonly rootfsPath: string | null;
  /** ISO 8601. */
  readonly retainedAt: string | null;
}

/** All retained disks that no VM has again, by id. */
export function listRetained({ paths, store }: Services): readonly RetainedDiskInfo[] {
  const { records, damaged } = store.list();
  const vmIds = new Set([...records.map(({ vm }) => vm.vmId), ...damaged.map(({ vmId }) => vmId)]);
  const folder = dirname(vmPaths(paths, 'x').folder);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names
    .filter((vmId) => VM_ID_PATTERN.test(vmId) && !vmIds.has(vmId) && hasMarker(vmPaths(paths, vmId)))
    .map((vmId) => {
      const marker = readMarker(vmPaths(paths, vmId));
      return Object.freeze({
        vmId,
        state: 'retained',
        diskSizeMib: marker === undefined ? null : marker.sizeBytes / 1024 / 1024,
        rootfsPath: marker?.imagePath ?? null,
        retainedAt: marker?.retainedAt ?? null,
      });
    });
}

/** The marker, or undefined if it is damaged. */
function readMarker({ retainedMarker }: VmPaths): RetainedDisk | undefined {
  if (statSync(retainedMarker).size > MAX_MARKER_BYTES) return undefined;
  try {
    const checked = checkWith(markerSchema, JSON.parse(readFileSync(retainedMarker, 'utf8')));
    return checked.isGood ? checked.value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
