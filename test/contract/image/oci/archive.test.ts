import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { readImageArchive, type ArchiveRequest } from '../../../../src/image/oci/read-archive.ts';
import { digest, json, makeImage, makeIndex, makeTar, type OciImage } from '../../../support/oci-image.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();

type Files = Parameters<typeof makeTar>[0];

/** Writes an archive; returns how to read it. */
async function archive(files: Files): Promise<ArchiveRequest> {
  const path = join(folder(), 'image.tar');
  writeFileSync(path, await makeTar(files));
  return { path, platform: 'linux/amd64', signal };
}

const blobName = (name: string): string => `blobs/${name.replace(':', '/')}`;

/** The files of an OCI layout. */
function layout(
  images: readonly { readonly image: OciImage; readonly name?: string }[],
): Record<string, Buffer> {
  const manifests = images.map(({ image, name }) => ({
    mediaType: image.manifestType,
    digest: image.manifestDigest,
    size: image.manifest.length,
    ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
  }));
  return {
    'oci-layout': json({ imageLayoutVersion: '1.0.0' }),
    'index.json': json({ schemaVersion: 2, manifests }),
    ...Object.fromEntries(
      images.flatMap(({ image }) => [
        [blobName(image.manifestDigest), image.manifest],
        ...[...image.blobs].map(([name, bytes]) => [blobName(name), bytes]),
      ]) as [string, Buffer][],
    ),
  };
}

/** The files of an old `docker save`. */
function saved(
  { config, configDigest, tars }: OciImage,
  tags: readonly string[] | null = ['app:v1'],
): Record<string, Buffer> {
  const Layers = tars.map((_, index) => `layer${String(index)}/layer.tar`);
  const Config = `${configDigest.slice(7)}.json`;
  return {
    ...Object.fromEntries(tars.map((tar, index) => [`layer${String(index)}/layer.tar`, tar])),
    [Config]: config,
    'manifest.json': json([{ Config, RepoTags: tags, Layers }]),
  };
}

async function expectLayers(request: ArchiveRequest, made: OciImage): Promise<void> {
  const image = await readImageArchive(request);
  const found = await Promise.all(image.layers.map(async (layer) => buffer(await layer.open(signal))));
  expect(found.map((tar) => digest(tar))).toEqual(made.tars.map((tar) => digest(tar)));
}

const invalid = (message: RegExp) => ({
  code: 'IMAGE_INVALID',
  message: expect.stringMatching(message) as unknown,
  hint: expect.stringMatching(/./) as unknown,
});

describe('readImageArchive', () => {
  it.each(['gzip', 'zstd', 'none'] as const)('reads an OCI layout with layers of %s', async (compression) => {
    const made = await makeImage({ compression, layers: [{ a: 'a'.repeat(100_000) }, { b: 'b' }] });
    const request = await archive(layout([{ image: made, name: 'v1' }]));
    await expectLayers(request, made);
    expect(await readImageArchive(request)).toMatchObject({
      reference: 'v1',
      digest: made.manifestDigest,
      created: '2024-01-02T03:04:05Z',
      config: { env: { PATH: '/bin' }, cmd: ['sh'] },
      fromCache: true,
    });
  });

  it('reads what an old docker has saved, with layers that are links to others', async () => {
    const made = await makeImage({ layers: [{ a: 'a' }, { b: 'b' }, { a: 'a' }] });
    const files: Files = { ...saved(made), 'layer2/layer.tar': { symlink: '../layer0/layer.tar' } };
    const request = await archive(files);
    await expectLayers(request, made);
    expect(await readImageArchive(request)).toMatchObject({ reference: 'app:v1', digest: made.configDigest });
    await expectLayers(await archive(saved(made, null)), made);
    expect(readdirSync(folder())).toEqual(['image.tar']);
  });

  it('reads what is both, as docker saves it now: an index of all platforms of which one is there', async () => {
    const [made, other] = [await makeImage(), await makeImage({ architecture: 'arm64' })];
    const index = makeIndex([
      { image: other, platform: 'linux/arm64' },
      { image: made, platform: 'linux/amd64' },
    ]);
    const top = json({
      schemaVersion: 2,
      manifests: [{ mediaType: index.type, digest: index.digest, size: index.bytes.length }],
    });
    const files = {
      ...saved(made),
      ...layout([{ image: made }]),
      'index.json': top,
      [blobName(index.digest)]: index.bytes,
    };
    const request = await archive(files);
    expect(await readImageArchive(request)).toMatchObject({
      digest: made.manifestDigest,
      resolvedDigest: index.digest,
    });
    await expect(readImageArchive({ ...request, platform: 'linux/arm64' })).rejects.toMatchObject(
      invalid(/nothing for linux\/arm64: it offers linux\/amd64/),
    );
  });

  it('reads one of several images by its name', async () => {
    const [one, other] = [await makeImage(), await makeImage({ layers: [{ x: 'x' }] })];
    const request = await archive(
      layout([
        { image: one, name: 'one' },
        { image: other, name: 'other' },
      ]),
    );
    expect(await readImageArchive({ ...request, reference: 'other' })).toMatchObject({
      digest: other.manifestDigest,
    });
    await expect(readImageArchive(request)).rejects.toMatchObject(invalid(/several images: "one", "other"/));
    await expect(readImageArchive({ ...request, reference: 'none' })).rejects.toMatchObject(
      invalid(/no image "none": it has "one", "other"/),
    );
  });

  it('reads what buildah writes', async () => {
    const made = await makeImage({ layers: [{ 'etc/motd': 'hello\n' }] });
    const source = await archive(layout([{ image: made }]));
    const target = join(folder(), 'buildah.tar');
    const storage = [
      '--root',
      join(folder(), 'storage'),
      '--runroot',
      join(folder(), 'run'),
      '--storage-driver',
      'vfs',
    ];
    const run = (...argv: string[]) => {
      const { status, stdout, stderr } = spawnSync('buildah', [...storage, ...argv], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(status, stderr).toBe(0);
      return stdout.trim();
    };
    const id = run('pull', '--quiet', `oci-archive:${source.path}`);
    for (const kind of ['oci-archive', 'docker-archive']) {
      run('push', '--quiet', id, `${kind}:${target}:${kind === 'docker-archive' ? 'app:v1' : 'v1'}`);
      await expectLayers({ ...source, path: target }, made);
      spawnSync('rm', [target]);
    }
  });

  it.each([
    ['a file that is no archive', async () => Buffer.from('hello'.repeat(1_000)), /no whole tar archive/],
    ['an empty file', async () => Buffer.alloc(0), /neither index.json/],
    [
      'an archive that ends early',
      async () => (await makeTar(layout([{ image: await makeImage() }]))).subarray(0, 2_000),
      /no whole tar archive/,
    ],
    [
      'an archive of other things',
      async () => makeTar({ 'a.txt': 'a' }),
      /neither index.json nor manifest.json/,
    ],
    ['no JSON', async () => makeTar({ 'index.json': '{' }), /not JSON/],
    ['no images', async () => makeTar({ 'manifest.json': '[]' }), /no image/],
    [
      'a layer that is not there',
      async () =>
        makeTar({ ...saved(await makeImage()), 'layer0/layer.tar': { symlink: '../../../etc/passwd' } }),
      /lacks "layer0\/layer.tar"/,
    ],
    [
      'links in a circle',
      async () => makeTar({ ...saved(await makeImage()), 'layer0/layer.tar': { symlink: 'layer.tar' } }),
      /lacks/,
    ],
    [
      'a layer outside',
      async () => {
        const made = await makeImage();
        const Config = `${made.configDigest.slice(7)}.json`;
        return makeTar({
          [Config]: made.config,
          'manifest.json': json([{ Config, Layers: ['/etc/passwd'] }]),
        });
      },
      /lacks "\/etc\/passwd"/,
    ],
    [
      'a blob that is not its digest',
      async () => {
        const made = await makeImage();
        return makeTar({
          ...layout([{ image: made }]),
          [blobName(made.configDigest)]: Buffer.alloc(made.config.length, ' '),
        });
      },
      /other contents than its name says/,
    ],
    [
      'a configuration that is not its digest',
      async () => {
        const made = await makeImage();
        return makeTar({ ...saved(made), [`${made.configDigest.slice(7)}.json`]: json({}) });
      },
      /other contents than its name says/,
    ],
    [
      'a manifest of another size',
      async () => {
        const made = await makeImage();
        const manifests = [{ mediaType: made.manifestType, digest: made.manifestDigest, size: 1 }];
        return makeTar({ ...layout([{ image: made }]), 'index.json': json({ schemaVersion: 2, manifests }) });
      },
      /bytes, not 1$/,
    ],
    [
      'too many files',
      async () => makeTar(Object.fromEntries(Array.from({ length: 16_500 }, (_, at) => [String(at), '']))),
      /more than 16384 files/,
    ],
    [
      'a huge index',
      async () => makeTar({ 'index.json': Buffer.alloc(5 * 1024 * 1024, ' ') }),
      /has 5242880 bytes/,
    ],
    [
      'one file twice',
      async () =>
        Buffer.concat([
          (await makeTar({ 'index.json': '{}' })).subarray(0, 1024),
          await makeTar({ './index.json': '{}' }),
        ]),
      /twice/,
    ],
  ])('refuses %s', async (_what, bytes, message) => {
    const path = join(folder(), 'image.tar');
    writeFileSync(path, await bytes());
    await expect(readImageArchive({ path, platform: 'linux/amd64', signal })).rejects.toMatchObject(
      invalid(message),
    );
  });

  it('finds a layer whose contents are not what the configuration says when it is read', async () => {
    const made = await makeImage();
    const request = await archive({ ...saved(made), 'layer0/layer.tar': await makeTar({ evil: 'x' }) });
    await expect(expectLayers(request, made)).rejects.toMatchObject(
      invalid(/cannot be used: its contents have the digest/),
    );
  });

  it('finds that the archive has become another one', async () => {
    const made = await makeImage();
    const request = await archive(layout([{ image: made }]));
    const image = await readImageArchive(request);
    writeFileSync(request.path, 'short');
    await expect(image.layers[0]?.open(signal)).rejects.toMatchObject(invalid(/not there any more/));
  });

  it('says that there is no such file, and ends with its signal', async () => {
    const path = join(folder(), 'none.tar');
    await expect(readImageArchive({ path, platform: 'linux/amd64', signal })).rejects.toMatchObject({
      code: 'HOST_FAILED',
    });
    const request = await archive(layout([{ image: await makeImage() }]));
    const reason = new Error('enough');
    await expect(readImageArchive({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('a layer stream', () => {
  it('ends with its signal, or when its reader leaves, and keeps no file open', async () => {
    const noise = Buffer.concat(
      Array.from({ length: 10_000 }, (_, at) => createHash('sha512').update(String(at)).digest()),
    );
    for (const compression of ['gzip', 'zstd', 'none'] as const) {
      const made = await makeImage({ layers: [{ noise }], compression });
      const request = await archive(layout([{ image: made }]));
      const [layer] = (await readImageArchive(request)).layers;
      if (layer === undefined) throw new Error('no layer');
      const controller = new AbortController();
      const reason = new Error('enough');
      const reading = async (): Promise<void> => {
        for await (const chunk of await layer.open(controller.signal))
          if (chunk !== undefined) controller.abort(reason);
      };
      await expect(reading()).rejects.toBe(reason);
      for await (const chunk of await layer.open(signal)) if (chunk !== undefined) break;
      (await layer.open(signal)).destroy();
      await expect.poll(() => openFiles(request.path)).toBe(0);
    }
  });
});

/** How often this process has the file open. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => targetOf(`/proc/self/fd/${fd}`) === path).length;
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}
