import { readFileSync, readdirSync, statSync, truncateSync, chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { pullImage, resolveDigest } from '../../../../src/image/oci/pull.ts';
import type { PullRequest } from '../../../../src/image/oci/pull-request.ts';
import { makeImage, makeIndex, type OciImage } from '../../../support/oci-image.ts';
import { REGISTRY_LOGIN, RegistryProcess } from '../../../support/registry-process.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();

const pull = (reference: string, more: Partial<PullRequest> = {}) =>
  pullImage({ reference, platform: 'linux/amd64', imagesFolder: join(folder(), 'images'), signal, ...more });

/** The layers of what was pulled, unpacked. */
const unpacked = async (image: Awaited<ReturnType<typeof pull>>): Promise<Buffer[]> =>
  Promise.all(image.layers.map(async (layer) => buffer(await layer.open(signal))));

const blobs = () => join(folder(), 'images/blobs/sha256');
const hexOf = (digest: string): string => digest.slice('sha256:'.length);

const start = (options?: { withLogin: boolean }) =>
  RegistryProcess.start(join(folder(), 'registry'), options);

describe('an image from docker-registry', () => {
  it.each([
    ['oci', 'gzip'],
    ['docker', 'gzip'],
    ['oci', 'zstd'],
    ['oci', 'none'],
  ] as const)('of format %s, layers %s, is pulled whole', async (format, compression) => {
    await using registry = await start();
    const made = await makeImage({
      format,
      compression,
      layers: [{ 'etc/a': 'a'.repeat(200_000) }, { 'etc/b': 'b' }],
      config: {
        Env: ['PATH=/bin', 'A=1'],
        User: 'app',
        WorkingDir: '/srv',
        Entrypoint: ['/run'],
        ExposedPorts: { '80/tcp': {} },
      },
    });
    const image = await pull(await registry.push(made, 'team/app', 'v1'));
    expect(image).toMatchObject({
      reference: `${registry.host}/team/app:v1`,
      digest: made.manifestDigest,
      resolvedDigest: made.manifestDigest,
      created: '2024-01-02T03:04:05Z',
      sizeBytes: made.layers.reduce((total, { length }) => total + length, 0),
      fromCache: false,
      config: {
        env: { PATH: '/bin', A: '1' },
        workdir: '/srv',
        user: 'app',
        entrypoint: ['/run'],
        cmd: [],
        exposedPorts: ['80/tcp'],
      },
    });
    expect(await unpacked(image)).toEqual(made.tars);
    const names = readdirSync(blobs());
    expect(names.sort()).toEqual([made.manifestDigest, ...made.blobs.keys()].map(hexOf).sort());
    for (const name of names) expect(statSync(join(blobs(), name)).mode & 0o777).toBe(0o444);
  });

  it('is chosen for the platform, and refused for one that it was not built for', async () => {
    await using registry = await start();
    const images = new Map<string, OciImage>();
    for (const architecture of ['amd64', 'arm64', 's390x']) {
      const made = await makeImage({ architecture, layers: [{ arch: architecture }] });
      images.set(architecture, made);
      await registry.push(made, 'multi', architecture);
    }
    const index = makeIndex([...images].map(([name, image]) => ({ image, platform: `linux/${name}` })));
    const reference = await registry.pushDocument(index, 'multi', 'latest');
    const [amd64, arm64] = [await pull(reference), await pull(reference, { platform: 'linux/arm64' })];
    expect([amd64.digest, arm64.digest]).toEqual(
      ['amd64', 'arm64'].map((name) => images.get(name)?.manifestDigest),
    );
    expect(amd64.resolvedDigest).toBe(index.digest);
    expect(await unpacked(arm64)).toEqual(images.get('arm64')?.tars);
    await expect(pull(`${registry.host}/multi:s390x`)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('it offers linux/s390x') as unknown,
    });
  });

  it('comes from the cache when nothing has changed, and by its digest without asking', async () => {
    const made = await makeImage();
    let reference: string;
    {
      await using registry = await start();
      reference = await registry.push(made, 'app', 'v1');
      expect((await pull(reference)).fromCache).toBe(false);
      expect((await pull(reference)).fromCache).toBe(true);
      expect(await resolveDigest({ reference, signal })).toBe(made.manifestDigest);
      const other = await makeImage({ layers: [{ other: 'x' }] });
      await registry.push(other, 'app', 'v1');
      expect(await resolveDigest({ reference, signal })).toBe(other.manifestDigest);
      expect(await pull(reference)).toMatchObject({ fromCache: false, digest: other.manifestDigest });
    }
    const image = await pull(`${reference}@${made.manifestDigest}`);
    expect(image).toMatchObject({ fromCache: true, digest: made.manifestDigest });
    expect(await unpacked(image)).toEqual(made.tars);
    await expect(pull(reference)).rejects.toMatchObject({ code: 'IMAGE_INVALID', hint: /./ });
  });

  it('is fetched again where the cache was damaged', async () => {
    await using registry = await start();
    const made = await makeImage({ layers: [{ a: 'a'.repeat(50_000) }, { b: 'b' }] });
    const reference = await registry.push(made, 'app', 'v1');
    const image = await pull(reference);
    const [first = '', second = ''] = image.layers.map(({ name }) => join(blobs(), hexOf(name)));
    for (const path of [first, second]) chmodSync(path, 0o644);
    truncateSync(first, 10);
    expect(await unpacked(await pull(reference))).toEqual(made.tars);
    // Damage that leaves the size alone is found when the layer is read, and mended on request.
    const bytes = readFileSync(second);
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
    writeFileSync(second, bytes);
    const damaged = await pull(reference);
    expect(damaged.fromCache).toBe(true);
    await expect(unpacked(damaged)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      hint: expect.stringContaining('verify') as unknown,
    });
    expect(await unpacked(await pull(reference, { verify: true }))).toEqual(made.tars);
  });

  it('is there or not', async () => {
    await using registry = await start();
    await registry.push(await makeImage(), 'app', 'v1');
    for (const name of ['app:v2', 'other', `app@sha256:${'0'.repeat(64)}`])
      await expect(pull(`${registry.host}/${name}`)).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
        message: expect.stringContaining('does not have') as unknown,
        hint: expect.stringContaining('tag') as unknown,
      });
  });

  it('with a login is given to who knows the password', async () => {
    await using registry = await start({ withLogin: true });
    const made = await makeImage();
    const reference = await registry.push(made, 'app', 'v1');
    await expect(pull(reference)).rejects.toMatchObject({ code: 'IMAGE_INVALID', details: { status: 401 } });
    const wrong = { username: 'tester', password: 'hunter2' };
    await expect(pull(reference, { credentials: wrong })).rejects.toSatisfy(
      (error: Error) => !JSON.stringify([error, error.message, error.stack]).includes('hunter2'),
    );
    expect(await unpacked(await pull(reference, { credentials: REGISTRY_LOGIN }))).toEqual(made.tars);
  });
});
