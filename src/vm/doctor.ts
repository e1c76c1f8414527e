import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../base/find-program.ts';
import { freeBytes, requireSpace, SPACE_RESERVE_BYTES } from '../base/free-space.ts';
import { ImageError, toSmolVMError } from '../errors.ts';
import type { Acceleration } from '../hypervisor/hypervisor.ts';
import { ensureBaseImage } from '../image/base-image.ts';
import { readManifest } from '../image/manifest.ts';
import { imagesFolder } from '../spec/file-names.ts';
import { chooseHypervisor } from './choose-hypervisor.ts';
import type { Services } from './services.ts';

/** One thing that was looked at, and what to do about it. */
export interface DoctorCheck {
  readonly name: string;
  /** `failed`: VMs do not run. `warning`: they run with a drawback. */
  readonly result: 'ok' | 'warning' | 'failed';
  /** What was found. */
  readonly found: string;
  readonly fix: string | null;
}

type Finding = Omit<DoctorCheck, 'name'>;

/** Looks at all that VMs need, by using it: nothing is concluded from a file's mere existence. */
export async function examine(services: Services, signal: AbortSignal): Promise<readonly DoctorCheck[]> {
  const steps: readonly (readonly [name: string, look: () => Finding | Promise<Finding>])[] = [
    ['disk space', () => checkSpace(services)],
    ['assets', () => checkAssets(services)],
    ['hypervisor', () => checkHypervisor(services, signal)],
    ['acceleration', () => checkAcceleration(services, signal)],
    ['owner death', checkOwnerDeath],
  ];
  const checks: DoctorCheck[] = [];
  for (const [name, look] of steps) checks.push({ name, ...(await attempt(name, look)) });
  return checks;
}

/** A check that throws has failed, with the reason that it threw. */
export async function attempt(name: string, look: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const { message, hint } = toSmolVMError(error, `check ${name}`);
    return { result: 'failed', found: message, fix: hint ?? null };
  }
}

export function ok(found: string): Finding {
  return { result: 'ok', found, fix: null };
}

function checkSpace({ paths }: Services): Finding {
  requireSpace(paths.home, SPACE_RESERVE_BYTES);
  return ok(`${(freeBytes(paths.home) / 2 ** 30).toFixed(1)} GiB free in ${paths.home}`);
}

/** Unpacks the assets if need be and reads them in full. */
async function checkAssets({ assetsFolder, paths }: Services): Promise<Finding> {
  const folder = imagesFolder(paths);
  await ensureBaseImage(assetsFolder, folder);
  const { kernel, initrd, rootfs } = readManifest(assetsFolder);
  for (const { sha256 } of [kernel, initrd, rootfs]) {
    const path = join(folder, sha256);
    const found = await sha256Of(path);
    if (found !== sha256)
      throw new ImageError(`${path} has the sha256 ${found}`, {
        hint: `Remove it, it will be unpacked anew: rm -f ${path}`,
      });
  }
  return ok('kernel, initrd and base image match their manifest');
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

async function checkHypervisor(services: Services, signal: AbortSignal): Promise<Finding> {
  const { kernelPath } = await ensureBaseImage(services.assetsFolder, imagesFolder(services.paths));
  const { hypervisor, support } = await chooseHypervisor(services, 'auto', kernelPath, signal);
  return ok(`${hypervisor.name} ${support.version} at ${support.binary}`);
}

async function checkAcceleration(services: Services, signal: AbortSignal): Promise<Finding> {
  const { kernelPath } = await ensureBaseImage(services.assetsFolder, imagesFolder(services.paths));
  const { support } = await chooseHypervisor(services, 'auto', kernelPath, signal);
  return describe(support.acceleration);
}

function describe(acceleration: Acceleration): Finding {
  if (acceleration.kind === 'hardware') return ok('hardware virtualization: a guest booted with it');
  return { result: 'warning', found: `emulation: ${acceleration.reason}`, fix: acceleration.hint };
}

/** Without setpriv an ephemeral VM whose owner is killed is ended by the next smolvm command, not at once. */
function checkOwnerDeath(): Finding {
  const path = findProgram('setpriv');
  if (path !== undefined) return ok(`VMs of \`launch\` and \`run\` end with their owner (${path})`);
  return {
    result: 'warning',
    found:
      'there is no setpriv: after kill -9 of its owner, a VM of `launch` or `run` stays until the next smolvm command',
    fix: 'Install util-linux.',
  };
}
