import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Built } from './initrd.ts';
import { REPO, run, sha256, sha256OfFile } from './run.ts';

/** What `kernel/build.sh` says of its result, as text. */
export type KernelFacts = Readonly<Record<string, string>>;

/** Builds the kernel from source: some minutes on two cores. */
export function buildKernel(outFolder: string): Built {
  run([join(REPO, 'kernel/build.sh'), outFolder]);
  return { path: join(outFolder, 'vmlinux'), built: readFacts(outFolder) };
}

/** Which source, patches and options a build here would use, under the names of `kernel.json`. */
export function kernelInputs(): KernelFacts {
  const pins = readFileSync(join(REPO, 'kernel/linux.version'), 'utf8');
  const pin = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(pins)?.[1] ?? '';
  const patches = join(REPO, 'kernel/patches');
  const patchBytes = readdirSync(patches)
    .sort()
    .map((name) => readFileSync(join(patches, name)));
  return {
    packageVersion: pin('package_version'),
    tarballSha256: pin('tarball_sha256'),
    patchesSha256: sha256(Buffer.concat(patchBytes)),
    fragmentSha256: sha256OfFile(join(REPO, 'kernel/config-x86_64')),
  };
}

/** The digest of the whole configuration that these make; unpacks the source, but builds nothing. */
export function kernelConfigDigest(): KernelFacts {
  const work = mkdtempSync(join(tmpdir(), 'smolvm-kernel-'));
  try {
    run([join(REPO, 'kernel/build.sh'), '--config-only', work]);
    return { configSha256: sha256OfFile(join(work, 'kernel.config')) };
  } finally {
    rmSync(work, { recursive: true });
  }
}

function readFacts(folder: string): KernelFacts {
  const facts = JSON.parse(readFileSync(join(folder, 'kernel.json'), 'utf8')) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)]));
}
