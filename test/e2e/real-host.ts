import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { expectUnchanged, takeCensus, type Census } from '../support/census.ts';

/** What a test file with real guests may use. */
export interface RealHost {
  /** The clone. */
  readonly repo: string;
  /** A folder for files of the test. */
  readonly scratch: string;
  /** Digest of the base image of this state folder. */
  imageDigest(): string;
  /** Waits until a VMM of this VM runs. */
  untilVmm(vmId: string): Promise<void>;
  /** Waits until no VMM of this VM runs. */
  untilGone(vmId: string): Promise<void>;
}

/**
 * A state folder of this file's own, and a census around each test: processes, files, sockets and rows must be the same
 * afterwards. With `vmOfFile` the tests share a VM that the file starts in `beforeAll`.
 */
export function useRealHost({ vmOfFile = false } = {}): RealHost {
  const scratch = mkdtempSync(join(tmpdir(), 'smolvm-e2e-'));
  const home = join(scratch, 'home');
  process.env['SMOLVM_HOME'] = home;
  process.env['XDG_RUNTIME_DIR'] = scratch;
  const place = { home, run: join(scratch, 'smolvm') };
  let before: Census | undefined;
  const unchanged = async (): Promise<void> => {
    if (before !== undefined) await expectUnchanged(before, place);
  };
  beforeAll(async () => {
    // Unpacked assets and remembered facts are made once and stay.
    const { SmolVM } = await import('smolvm');
    const vm = await SmolVM.create({ vmId: 'warm-up' });
    await vm.delete();
    await vm.close();
    before = await takeCensus(place);
  });
  if (!vmOfFile) afterEach(unchanged);
  afterAll(async () => {
    try {
      await unchanged();
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
  return {
    repo: fileURLToPath(new URL('../../', import.meta.url)),
    scratch,
    imageDigest: () => digestOfImages(join(home, 'images')),
    untilVmm: (vmId) => until(() => vmmsOf(vmId) > 0),
    untilGone: (vmId) => until(() => vmmsOf(vmId) === 0),
  };
}

function digestOfImages(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

/** Live VMMs of a VM, by the marker on their command line. */
function vmmsOf(vmId: string): number {
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && commandLine(pid).some((word) => word.endsWith(`:${vmId}`)),
  ).length;
}

function commandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    // The process ended while we looked.
    expect(['ENOENT', 'ESRCH']).toContain((error as NodeJS.ErrnoException).code);
    return [];
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
