import { join } from 'node:path';
import { ensurePrivateFolder } from '../base/private-folder.ts';
import { SmolVMError } from '../errors.ts';
import { readManifest, type Asset, type AssetManifest } from './manifest.ts';
import { unpackAsset } from './unpack-asset.ts';

/** What boots when nothing else is asked for. */
export interface BaseImage {
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly rootfsPath: string;
}

/** Unpacks the kernel, initrd and root file system that come with smolvm, where that was not done yet. */
export async function ensureBaseImage(assetsFolder: string, imagesFolder: string): Promise<BaseImage> {
  const manifest = readUsableManifest(assetsFolder);
  ensurePrivateFolder(imagesFolder);
  const unpack = (asset: Asset): Promise<string> =>
    unpackAsset(asset, assetsFolder, join(imagesFolder, asset.sha256));
  const unpacking = [unpack(manifest.kernel), unpack(manifest.initrd), unpack(manifest.rootfs)] as const;
  // A failure of one is told when the others have ended too: nothing is written behind the caller's back.
  await Promise.allSettled(unpacking);
  const [kernelPath, initrdPath, rootfsPath] = await Promise.all(unpacking);
  return { kernelPath, initrdPath, rootfsPath };
}

/**
 * The path of the kernel that comes with smolvm, for images that are kept in `imagesFolder`:
 * `<version>-<digest>/vmlinux`, unpacked once.
 */
export async function ensureKernel(assetsFolder: string, imagesFolder: string): Promise<string> {
  const { kernel } = readUsableManifest(assetsFolder);
  const version = /^[0-9][0-9a-z.-]{0,40}$/.exec(kernel.built['linuxVersion'] ?? '')?.[0] ?? 'kernel';
  const folder = join(imagesFolder, `${version}-${kernel.sha256.slice(0, 16)}`);
  ensurePrivateFolder(folder);
  return unpackAsset(kernel, assetsFolder, join(folder, 'vmlinux'));
}

function readUsableManifest(assetsFolder: string): AssetManifest {
  const manifest = readManifest(assetsFolder);
  if (manifest.arch === 'x86_64') return manifest;
  throw new SmolVMError('HYPERVISOR_UNAVAILABLE', `the assets are for ${manifest.arch}, this host is x86_64`);
}
