import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import * as v from 'valibot';
import { Deadline } from '../base/deadline.ts';
import { findProcesses, signalProcess, waitForExit, type ProcessRef } from '../base/process-ref.ts';
import type { VmPaths } from '../spec/file-names.ts';

/** A killed process is gone in milliseconds, unless the host is in trouble (a disk that does not answer). */
const KILL_TIMEOUT_MS = 10_000;

const refSchema = v.object({ pid: v.number(), startTicks: v.number(), bootId: v.string() });

/** Kills a VMM and waits until it is gone: only then may its files be removed. */
export async function killVmm(vmm: ProcessRef): Promise<void> {
  if (!signalProcess(vmm, 'SIGKILL')) return;
  using deadline = new Deadline(`end the process ${String(vmm.pid)}`, KILL_TIMEOUT_MS);
  await waitForExit(vmm, deadline.signal);
}

/** Kills every VMM of a VM whose starter did not live to record it: by the file it left, and by its marker in argv. */
export async function killStrayVmms(paths: VmPaths): Promise<void> {
  const refs = [...findProcesses(paths.marker), ...readRef(paths.vmmRef)];
  await Promise.all(refs.map(killVmm));
}

/**
 * Removes what a VM has between start and stop: its forwards, sockets, process reference, log. The process behind the
 * forwards would end by itself, but only a moment after the VMM: until then its ports would take connections.
 */
export async function removeRunFolder(paths: VmPaths): Promise<void> {
  if (existsSync(paths.forwardLog)) await Promise.all(findProcesses(paths.forwardMarker).map(killVmm));
  await rm(paths.runFolder, { recursive: true, force: true });
}

/** The reference is written in one piece but not atomically; half of one is none, the marker finds the process. */
function readRef(path: string): readonly ProcessRef[] {
  if (!existsSync(path)) return [];
  try {
    const parsed = v.safeParse(refSchema, JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? [parsed.output] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
