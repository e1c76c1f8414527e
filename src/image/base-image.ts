import { ensurePrivateFolder } from '../base/private-folder.ts';
import { SmolVMError } from '../errors.ts';
import { readManifest, type Asset } from './manifest.ts';
import { unpackAsset } from './unpack-asset.ts';

/** What boots when nothing else is asked for. */
export interface BaseImage {
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly rootfsPath: string;
}

/** Unpacks the kernel, initrd and root file system that come with smolvm, where that was not done yet. */
export async function ensureBaseImage(assetsFolder: string, imagesFolder: string): Promise<BaseImage> {
  const manifest = readManifest(assetsFolder);
  if (manifest.arch !== 'x86_64') {
    throw new SmolVMError(
      'HYPERVISOR_UNAVAILABLE',
      `the assets are for ${manifest.arch}, this host is x86_64`,
    );
  }
  ensurePrivateFolder(imagesFolder);
  const unpack = (asset: Asset): Promise<string> => unpackAsset(asset, assetsFolder, imagesFolder);
  const unpacking = [unpack(manifest.kernel), unpack(manifest.initrd), unpack(manifest.rootfs)] as const;
  // A failure of one is told when the others have ended too: nothing is written behind the caller's back.
  await Promise.allSettled(unpacking);
  const [kernelPath, initrdPath, rootfsPath] = await Promise.all(unpacking);
  return { kernelPath, initrdPath, rootfsPath };
}
