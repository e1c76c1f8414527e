import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Built } from './initrd.ts';
import { REPO, run } from './run.ts';

/** What `kernel/build.sh` says of its result, as text. */
export type KernelFacts = Readonly<Record<string, string>>;

/** Builds the kernel from source: some minutes on two cores. */
export function buildKernel(outFolder: string): Built {
  run([join(REPO, 'kernel/build.sh'), outFolder]);
  return { path: join(outFolder, 'vmlinux'), built: readFacts(outFolder) };
}

/** Only configures it, which shows whether the shipped kernel was made from this configuration and source. */
export function configureKernel(): KernelFacts {
  const work = mkdtempSync(join(tmpdir(), 'smolvm-kernel-'));
  try {
    run([join(REPO, 'kernel/build.sh'), '--config-only', work]);
    return readFacts(work);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function readFacts(folder: string): KernelFacts {
  const facts = JSON.parse(readFileSync(join(folder, 'kernel.json'), 'utf8')) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)]));
}
