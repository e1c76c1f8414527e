import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { zstdStored } from './fake-assets.ts';

/** An image in memory: what a registry or an archive would hold. */
export interface OciImage {
  readonly manifest: Buffer;
  readonly manifestType: string;
  readonly manifestDigest: string;
  readonly config: Buffer;
  readonly configDigest: string;
  /** As stored, the lowest first. */
  readonly layers: readonly Buffer[];
  /** As plain tar. */
  readonly tars: readonly Buffer[];
  /** All but the manifest, by digest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** What to make. */
export interface ImageRequest {
  /** Files of each layer, by path. */
  readonly layers?: readonly TarFiles[];
  readonly compression?: 'gzip' | 'zstd' | 'none';
  readonly architecture?: string;
  readonly variant?: string;
  /** `config` of the configuration. */
  readonly config?: object;
  readonly format?: 'oci' | 'docker';
  readonly algorithm?: 'sha256' | 'sha512';
  /** Changes to the manifest before it is written. */
  readonly manifest?: object;
}

const TYPES = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: { gzip: 'tar+gzip', zstd: 'tar+zstd', none: 'tar' },
    layerPrefix: 'application/vnd.oci.image.layer.v1.',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: { gzip: 'tar.gzip', zstd: 'tar.zstd', none: 'tar' },
    layerPrefix: 'application/vnd.docker.image.rootfs.diff.',
  },
};

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** Makes an image, the same for the same request. */
export async function makeImage(request: ImageRequest = {}): Promise<OciImage> {
  const { layers: files = [{ 'etc/hello': 'hello\n' }], compression = 'gzip', format = 'oci' } = request;
  const algorithm = request.algorithm ?? 'sha256';
  const types = TYPES[format];
  const tars = await Promise.all(files.map((entries) => makeTar(entries)));
  const layers = tars.map((tar) =>
    ({ gzip: gzipSync, zstd: zstdStored, none: (bytes: Buffer) => bytes })[compression](tar),
  );
  const config = json({
    os: 'linux',
    architecture: request.architecture ?? 'amd64',
    ...(request.variant === undefined ? {} : { variant: request.variant }),
    created: '2024-01-02T03:04:05Z',
    config: request.config ?? { Env: ['PATH=/bin'], Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digest(tar, algorithm)) },
  });
  const describe = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digest(bytes, algorithm),
    size: bytes.length,
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(config, types.config),
    layers: layers.map((layer) => describe(layer, types.layerPrefix + types.layer[compression])),
    ...request.manifest,
  });
  const blobs = new Map([config, ...layers].map((bytes) => [digest(bytes, algorithm), bytes]));
  const [manifestDigest, configDigest] = [digest(manifest, algorithm), digest(config, algorithm)];
  return {
    manifest,
    manifestType: types.manifest,
    manifestDigest,
    config,
    configDigest,
    layers,
    tars,
    blobs,
  };
}

/** An index of images. */
export function makeIndex(entries: readonly { readonly image: OciImage; readonly platform: string }[]): {
  readonly bytes: Buffer;
  readonly type: string;
  readonly digest: string;
} {
  const manifests = entries.map(({ image, platform }) => {
    const [os, architecture, variant] = platform.split('/');
    return {
      mediaType: image.manifestType,
      digest: image.manifestDigest,
      size: image.manifest.length,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    };
  });
  const bytes = json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
  return { bytes, type: INDEX_TYPE, digest: digest(bytes) };
}

/** Files by path; those with other modes than 0644, and symlinks. */
export type TarFiles = Readonly<
  Record<
    string,
    | string
    | Buffer
    | { readonly symlink: string }
    | { readonly content: string | Buffer; readonly mode: number }
  >
>;

/** A tar archive of files, or of entries that have a type. */
export async function makeTar(files: TarFiles): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) {
    const common = { name, mode: 0o644, mtime: new Date(0) };
    if (typeof content === 'string' || Buffer.isBuffer(content)) archive.entry(common, content);
    else if ('symlink' in content) archive.entry({ ...common, type: 'symlink', linkname: content.symlink });
    else archive.entry({ ...common, mode: content.mode }, content.content);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function digest(bytes: Buffer, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
