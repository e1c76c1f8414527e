import { randomBytes } from 'node:crypto';
import { link, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, ImageError, toSmolVMError } from '../../errors.ts';
import { readAgentProgram } from '../agent-program.ts';
import { ensureKernel } from '../base-image.ts';
import { readManifest, type Asset } from '../manifest.ts';
import type { Layer } from '../rootfs/layer.ts';
import { unpackAsset } from '../unpack-asset.ts';
import { canonicalJson } from './canonical-json.ts';
import { readContext } from './context-files.ts';
import type { ImagePlaces } from './docker-rootfs.ts';
import type { EngineName } from './engine-names.ts';
import { buildEngineRootfs } from './engine-rootfs.ts';
import { findInLayer } from './find-in-layer.ts';
import { sha256Hex } from './fingerprint.ts';
import type { OnImageProgress } from './image-progress.ts';
import { ensureMarkedImage } from './marked-image.ts';
import { withRootPassword } from './root-password.ts';
import { sha512Crypt } from './sha512-crypt.ts';
import { sshdConfig, type SshLogin } from './ssh-dockerfiles.ts';
import { filesLayer, rootsFile } from './tar-layer.ts';

/** An image whose first process is smolvm's agent and which has an SSH server. */
export interface SshImageRecipe {
  readonly name: string;
  readonly dockerfile: string;
  readonly login: SshLogin;
  /** Of root; only with the login `password`. */
  readonly password: string | undefined;
  readonly rootfsSizeMib: number;
  readonly engine: EngineName | undefined;
}

/** Kernel and root file system of an image. */
export interface ImagePair {
  readonly kernelPath: string;
  readonly rootfsPath: string;
}

/** Changes when images are made in another way. */
const SCHEMA_VERSION = 1;
const PLATFORM = 'linux/amd64';

/**
 * The image of a recipe, from the cache or built: `<name>/vmlinux.bin` and `<name>/rootfs.ext4` of the images folder, with
 * `.fingerprint` beside them. A failed build leaves what is cached as it is.
 */
export async function ensureSshImage(
  places: ImagePlaces,
  recipe: SshImageRecipe,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: OnImageProgress | undefined },
): Promise<ImagePair> {
  const { initrd } = readManifest(places.assetsFolder);
  const files = [
    { path: 'sshd_config', source: { content: Buffer.from(sshdConfig(recipe.login)) }, mode: 0o644 },
  ];
  const facts = await readContext(files, signal);
  const inputs = {
    schemaVersion: SCHEMA_VERSION,
    rootfsSizeMib: recipe.rootfsSizeMib,
    dockerfileSha256: sha256Hex(recipe.dockerfile),
    context: facts,
    initrdSha256: initrd.sha256,
  };
  const salt = randomBytes(12).toString('base64url').replaceAll('-', '.').replaceAll('_', '/');
  const folder = join(places.imagesFolder, recipe.name);
  const rootfsPath = await ensureMarkedImage({
    folder,
    markerName: '.fingerprint',
    marker: fingerprint(inputs, recipe.password, salt),
    isWanted: (marker) => marker === fingerprint(inputs, recipe.password, saltOf(marker)),
    signal,
    onProgress,
    make: async (path, work, undo) => {
      const agent = await readAgent(initrd, places.assetsFolder, work);
      const hash = recipe.password === undefined ? undefined : sha512Crypt(recipe.password, salt);
      await buildEngineRootfs(
        {
          choice: { engine: recipe.engine, env: places.env },
          build: {
            dockerfile: recipe.dockerfile,
            files,
            facts,
            buildArgs: {},
            platform: PLATFORM,
            tagName: `smolvm-image-${sha256Hex(JSON.stringify(inputs)).slice(0, 16)}`,
            folder: work,
          },
          sizeMib: recipe.rootfsSizeMib,
          path,
          added: (image) => agentLayers(image, agent, hash),
          signal,
          onProgress,
        },
        undo,
      );
    },
  });
  return { kernelPath: await placeKernel(places, folder), rootfsPath };
}

/**
 * sha256 of what an image is made from, and the salt of its password. Of the password it holds the same hash as the image:
 * guessing it from one is as much work as from the other.
 */
function fingerprint(
  inputs: Readonly<Record<string, unknown>>,
  password: string | undefined,
  salt: string,
): string {
  if (password === undefined) return `${sha256Hex(canonicalJson(inputs) ?? '')}\n`;
  return `${sha256Hex(canonicalJson({ ...inputs, shadow: sha512Crypt(password, salt) }) ?? '')} ${salt}\n`;
}

/** The salt of a fingerprint; any that fits where it has none. */
function saltOf(marker: string): string {
  return /^[0-9a-f]{64} ([./0-9A-Za-z]{16})\n$/.exec(marker)?.[1] ?? '................';
}

/** Our agent as `/init` and, where one is given, a password for root. */
function agentLayers(image: Layer, agent: Buffer, passwordHash: string | undefined): readonly Layer[] {
  const init = filesLayer('smolvm agent', () => [rootsFile('init', 0o755, agent)]);
  if (passwordHash === undefined) return [init];
  const password = filesLayer('root password', async (signal) => {
    const shadow = await findInLayer(image, 'etc/shadow', signal);
    if (shadow === undefined) throw new ImageError('the image has no file /etc/shadow to keep a password in');
    const text = withRootPassword(shadow.contents.toString('latin1'), passwordHash);
    return [{ entry: shadow.entry, contents: Buffer.from(text, 'latin1') }];
  });
  return [init, password];
}

/** The agent is the file `init` of the initrd that comes with smolvm. */
async function readAgent(initrd: Asset, assetsFolder: string, work: string): Promise<Buffer> {
  const path = await unpackAsset(initrd, assetsFolder, join(work, initrd.sha256));
  return Buffer.from(readAgentProgram(path).bytes);
}

/** Puts the kernel of this version beside a root file system; the one of an older version is replaced. */
async function placeKernel(places: ImagePlaces, folder: string): Promise<string> {
  const kernel = await ensureKernel(places.assetsFolder, places.imagesFolder);
  const path = join(folder, 'vmlinux.bin');
  if (await isSameFile(kernel, path)) return path;
  const temporary = join(folder, `.vmlinux.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await link(kernel, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw toSmolVMError(error, `make ${path}`);
  }
  return path;
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([stat(a), stat(b)]);
    return one.dev === other.dev && one.ino === other.ino;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toSmolVMError(error, `look at ${b}`);
  }
}
