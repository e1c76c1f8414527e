import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { LocalImage } from '../../../../src/image/oci/image-source.ts';
import { pullImage, resolveDigest } from '../../../../src/image/oci/pull.ts';
import type { PullRequest } from '../../../../src/image/oci/pull-request.ts';
import { FakeRegistry, sendBytes } from '../../../support/fake-registry.ts';
import { digest, json, makeImage, makeIndex, type OciImage } from '../../../support/oci-image.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();
const blobs = () => join(folder(), 'images/blobs/sha256');

const pull = (reference: string, more: Partial<PullRequest> = {}) =>
  pullImage({
    reference,
    platform: 'linux/amd64',
    imagesFolder: join(folder(), 'images'),
    signal,
    retryPauseMs: 1,
    ...more,
  });

/** Everything in the cache is a whole blob with its right name, or a part of one. */
function expectSoundCache(): void {
  if (!existsSync(blobs())) return;
  for (const name of readdirSync(blobs()).filter((file) => !file.endsWith('.partial')))
    expect(digest(readFileSync(join(blobs(), name)))).toBe(`sha256:${name}`);
}

const parts = (): string[] => readdirSync(blobs()).filter((name) => name.endsWith('.partial'));

/** About a megabyte that does not compress, the same each time. */
const NOISE = Buffer.concat(
  Array.from({ length: 16_384 }, (_, at) => createHash('sha512').update(String(at)).digest()),
);

/** An image of one large layer, and its registry. */
async function bigImage(registry: FakeRegistry) {
  const image = await makeImage({ layers: [{ noise: NOISE }], compression: 'none' });
  const [layer = Buffer.alloc(0)] = image.layers;
  return { reference: registry.add(image), image, layer, layerDigest: digest(layer) };
}

/** The only layer of what was pulled is what it should be. (By digest: comparing megabytes takes seconds.) */
async function expectLayer(pulled: LocalImage, image: OciImage): Promise<void> {
  const stream = await pulled.layers[0]?.open(signal);
  expect(digest(await buffer(stream as AsyncIterable<Buffer>))).toBe(
    digest(image.tars[0] ?? Buffer.alloc(0)),
  );
}

/** Is it the request for this blob? */
const asksFor = (request: IncomingMessage, name: string): boolean =>
  request.url?.endsWith(`/blobs/${name}`) === true;

const invalid = (message: RegExp) => ({
  code: 'IMAGE_INVALID',
  message: expect.stringMatching(message) as unknown,
  hint: expect.stringMatching(/./) as unknown,
});

describe('a registry that sends the wrong bytes', () => {
  it.each([
    [
      'other bytes of the same size',
      (bytes: Buffer) => Buffer.alloc(bytes.length, 'x'),
      /sends something else.*digest/,
    ],
    [
      'more than it should',
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')]),
      /sends something else.*more than/,
    ],
    ['less than it should', (bytes: Buffer) => bytes.subarray(0, -1), /ends after|cannot go on/],
    ['nothing', () => Buffer.alloc(0), /ends after 0 of/],
  ])('is refused: a layer of %s', async (what, change, message) => {
    await using registry = await FakeRegistry.start();
    const { reference, layer, layerDigest } = await bigImage(registry);
    registry.addBlob(change(layer), layerDigest);
    await expect(pull(reference)).rejects.toMatchObject(invalid(message));
    expectSoundCache();
    expect(readdirSync(blobs())).not.toContain(layerDigest.slice(7));
    if (what.includes('more') || what.includes('other')) expect(parts()).toEqual([]);
  });

  it('is refused: endless layers end at the declared size', async () => {
    await using registry = await FakeRegistry.start();
    const { reference, layerDigest } = await bigImage(registry);
    registry.intercept = (request, response) => {
      if (!asksFor(request, layerDigest)) return false;
      const more = (): void => void response.write(Buffer.alloc(65_536), (error) => error ?? more());
      more();
      return true;
    };
    await expect(pull(reference)).rejects.toMatchObject(invalid(/more than/));
    expect(parts()).toEqual([]);
  });

  it.each([
    [
      'a manifest that is not what its digest says',
      (image: Awaited<ReturnType<typeof makeImage>>) => image.manifestDigest,
    ],
    ['a configuration that is not', (image: Awaited<ReturnType<typeof makeImage>>) => image.configDigest],
  ])('is refused: %s', async (_what, nameOf) => {
    await using registry = await FakeRegistry.start();
    const image = await makeImage();
    const reference = registry.add(image);
    const name = nameOf(image);
    registry.intercept = (request, response) => {
      if (request.method !== 'GET' || request.url?.endsWith(name) !== true) return false;
      sendBytes(
        request,
        response,
        name === image.configDigest
          ? Buffer.alloc(image.config.length, ' ')
          : Buffer.alloc(image.manifest.length, ' '),
      );
      return true;
    };
    await expect(pull(reference)).rejects.toMatchObject(invalid(/digest/));
    expectSoundCache();
    expect(readdirSync(blobs())).not.toContain(name.slice(7));
  });

  it('is refused: a manifest without end, and one that is too large', async () => {
    await using registry = await FakeRegistry.start();
    const { reference, image } = await bigImage(registry);
    registry.intercept = (request, response) => {
      if (request.method !== 'GET' || request.url?.includes('/manifests/') !== true) return false;
      const more = (): void => void response.write(Buffer.alloc(65_536, '['), (error) => error ?? more());
      more();
      return true;
    };
    await expect(pull(reference)).rejects.toMatchObject(invalid(/more than 4194304 bytes/));
    await expect(pull(`${reference}@${image.manifestDigest}`)).rejects.toMatchObject(
      invalid(/more than 4194304 bytes/),
    );
    expect(readdirSync(blobs())).toEqual([]);
  });

  it('is refused: layers that unpack to something else, or to too much', async () => {
    await using registry = await FakeRegistry.start();
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const honest = await makeImage();
    const config = json({
      ...(JSON.parse(honest.config.toString()) as object),
      rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] },
    });
    const describe = (bytes: Buffer, mediaType: string) => ({
      mediaType,
      digest: digest(bytes),
      size: bytes.length,
    });
    const manifest = json({
      schemaVersion: 2,
      config: describe(config, 'application/vnd.oci.image.config.v1+json'),
      layers: [describe(bomb, 'application/vnd.oci.image.layer.v1.tar+gzip')],
    });
    for (const bytes of [config, bomb]) registry.addBlob(bytes);
    const reference = registry.addDocument(manifest, 'application/vnd.oci.image.manifest.v1+json', 'bomb');
    const image = await pull(reference, { maxUnpackedBytes: 1024 * 1024 });
    const drained = async (layer = image.layers[0]) => {
      let sizeBytes = 0;
      const stream = await layer?.open(signal);
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        expect(sizeBytes).toBeLessThanOrEqual(1024 * 1024);
      }
    };
    await expect(drained()).rejects.toMatchObject(invalid(/unpacks to more than 1048576 bytes/));
    const [whole] = (await pull(reference)).layers;
    await expect(whole?.open(signal).then((stream) => buffer(stream))).rejects.toMatchObject(
      invalid(/have the digest/),
    );
  });
});

describe('a registry that breaks off', () => {
  it('is asked for the rest, and what comes is checked as a whole', async () => {
    await using registry = await FakeRegistry.start();
    const { reference, image, layer, layerDigest } = await bigImage(registry);
    const held: ServerResponse[] = [];
    let broken = 0;
    registry.intercept = (request, response) => {
      if (!asksFor(request, layerDigest) || broken === 2) return false;
      broken += 1;
      const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
      const range = `bytes ${String(from)}-${String(layer.length - 1)}/${String(layer.length)}`;
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': layer.length - from,
        'content-range': range,
      });
      response.write(layer.subarray(from, from + 300_000));
      held.push(response);
      return true;
    };
    const progress: number[] = [];
    const pulled = await pull(reference, {
      onProgress: ({ doneBytes, totalBytes }) => {
        expect(totalBytes).toBe(layer.length);
        progress.push(doneBytes);
        // Only now, so that some of it has surely come.
        held.pop()?.destroy();
      },
    });
    await expectLayer(pulled, image);
    const asked = registry.seen.filter(({ url }) => url.endsWith(layerDigest)).map(({ range }) => range);
    expect(asked).toEqual([
      undefined,
      expect.stringMatching(/^bytes=\d+-$/),
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
    expect(progress).toEqual([...progress].sort((one, other) => one - other));
    expect(progress.at(-1)).toBe(layer.length);
    expect(parts()).toEqual([]);
  });

  it('each time is given up after three tries; the next pull goes on with the part', async () => {
    await using registry = await FakeRegistry.start();
    const { reference, image, layer, layerDigest } = await bigImage(registry);
    registry.intercept = (request, response) => {
      if (!asksFor(request, layerDigest)) return false;
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, 200_000), () => response.destroy());
      return true;
    };
    await expect(pull(reference)).rejects.toMatchObject(invalid(/cannot talk to|cannot go on|ends after/));
    expect(registry.count(new RegExp(`blobs/${layerDigest}`))).toBe(3);
    expectSoundCache();
    // What a broken connection has brought depends on the moment: the part here is ours.
    for (const part of parts()) writeFileSync(join(blobs(), part), layer.subarray(0, 123_456));
    if (parts().length === 0)
      writeFileSync(join(blobs(), `${layerDigest.slice(7)}.partial`), layer.subarray(0, 123_456), {
        mode: 0o600,
      });
    registry.intercept = () => false;
    const pulled = await pull(reference);
    expect(registry.seen.at(-1)).toMatchObject({ range: 'bytes=123456-' });
    await expectLayer(pulled, image);
  });

  it.each([
    ['is damaged', (layer: Buffer) => Buffer.alloc(layer.length - 10, 'x')],
    ['is longer than the whole', (layer: Buffer) => Buffer.alloc(layer.length + 10, 'x')],
    ['is the whole, damaged', (layer: Buffer) => Buffer.alloc(layer.length, 'x')],
    ['is the whole', (layer: Buffer) => layer],
  ])('leaves a part that %s: the layer comes out right', async (_what, partOf) => {
    await using registry = await FakeRegistry.start();
    const { reference, image, layer, layerDigest } = await bigImage(registry);
    await expect(pull(reference, { platform: 'linux/arm64' })).rejects.toMatchObject(invalid(/linux\/amd64/));
    // Of a process that is no more.
    const owner = '999999999-1-00000000-0000-0000-0000-000000000000-00';
    writeFileSync(join(blobs(), `${layerDigest.slice(7)}.${owner}.partial`), partOf(layer), { mode: 0o600 });
    const pulled = await pull(reference);
    await expectLayer(pulled, image);
    expect(parts()).toEqual([]);
    expectSoundCache();
  });

  it('may not know ranges: then it begins anew', async () => {
    await using registry = await FakeRegistry.start();
    const { reference, image, layer, layerDigest } = await bigImage(registry);
    const held: ServerResponse[] = [];
    registry.intercept = (request, response) => {
      if (!asksFor(request, layerDigest)) return false;
      response.writeHead(200, { 'content-length': layer.length });
      if (request.headers.range !== undefined) response.end(layer);
      else {
        response.write(layer.subarray(0, 300_000));
        held.push(response);
      }
      return true;
    };
    await expectLayer(await pull(reference, { onProgress: () => held.pop()?.destroy() }), image);
    expect(registry.seen.at(-1)?.range).toBeDefined();
    expectSoundCache();
    expect(parts()).toEqual([]);
  });

  it('keeps no more than a few abandoned parts', async () => {
    await using registry = await FakeRegistry.start();
    const { reference } = await bigImage(registry);
    await pull(reference);
    for (let at = 0; at < 30; at += 1)
      writeFileSync(join(blobs(), `${digest(Buffer.from(String(at))).slice(7)}.partial`), 'x');
    await pull(reference);
    expect(parts()).toHaveLength(8);
  });
});

describe('a registry that takes its time', () => {
  it.each([['headers'], ['the layer'], ['drops of the layer'], ['the manifest']])(
    'and never sends %s is given up, typed',
    async (what) => {
      await using registry = await FakeRegistry.start();
      const { reference, layer, layerDigest } = await bigImage(registry);
      const dripping = new Set<NodeJS.Timeout>();
      registry.intercept = (request, response) => {
        if (
          !(what === 'the manifest'
            ? request.method === 'GET' && request.url?.includes('/manifests/') === true
            : asksFor(request, layerDigest))
        )
          return false;
        if (what === 'headers') return true;
        response.writeHead(200, { 'content-length': layer.length });
        response.write(layer.subarray(0, 10));
        if (what.startsWith('drops')) dripping.add(setInterval(() => response.write('x'), 20));
        return true;
      };
      await expect(pull(reference, { stallMs: 300 })).rejects.toMatchObject({
        code: 'TIMEOUT',
        message: expect.stringContaining('for 300 ms') as unknown,
        hint: expect.stringMatching(/./) as unknown,
      });
      for (const timer of dripping) clearInterval(timer);
      expectSoundCache();
    },
  );

  it('is left at once when the caller gives up', async () => {
    await using registry = await FakeRegistry.start();
    const { reference, layer, layerDigest } = await bigImage(registry);
    const controller = new AbortController();
    registry.intercept = (request, response) => {
      if (!asksFor(request, layerDigest)) return false;
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, 100_000), () => {
        controller.abort(new Error('enough'));
      });
      return true;
    };
    await expect(pull(reference, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expectSoundCache();
    await expect(pull(reference, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      /aborted|before/,
    );
  });

  it('says for how long: a little is waited for, an hour is not', async () => {
    await using registry = await FakeRegistry.start();
    const { reference } = await bigImage(registry);
    let refused = 0;
    registry.intercept = (_request, response) => {
      if (refused === 2) return false;
      refused += 1;
      response.writeHead(refused === 1 ? 429 : 503, { 'retry-after': '0' }).end();
      return true;
    };
    await pull(reference);
    registry.intercept = (_request, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    };
    const asked = registry.seen.length;
    await expect(resolveDigest({ reference, signal })).rejects.toMatchObject(invalid(/HTTP 429/));
    // HEAD, then GET for what is wrong; no more.
    expect(registry.seen.length - asked).toBe(2);
  });
});

describe('a registry that leads astray', () => {
  it('sends layers from elsewhere, which does not learn who asks', async () => {
    await using registry = await FakeRegistry.start();
    await using store = await FakeRegistry.start();
    const { reference, image, layer, layerDigest } = await bigImage(registry);
    store.addBlob(layer, layerDigest);
    registry.intercept = (request, response) => {
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else if (asksFor(request, layerDigest))
        response.writeHead(307, { location: `http://${store.otherHost}${request.url ?? ''}` }).end();
      else return false;
      return true;
    };
    const pulled = await pull(reference, { credentials: { username: 'me', password: 'secret' } });
    await expectLayer(pulled, image);
    expect(store.seen).toHaveLength(1);
    expect(store.seen[0]?.authorization).toBeUndefined();
    // The same machine with another port or name is another origin; the same origin is not.
    expect(registry.seen.filter(({ authorization }) => authorization !== undefined).length).toBeGreaterThan(
      1,
    );
  });

  it.each([
    ['in a circle', (host: string, url: string) => `http://${host}${url}`, /redirects more than 5 times/],
    ['to what is not https', () => 'http://registry.example.com/x', /not https/],
    ['to a file', () => 'file:///etc/passwd', /not https/],
    ['with a password', () => 'https://a:b@registry.example.com/x', /password/],
    ['nowhere', () => 'http://[', /no proper address/],
  ])('%s is not followed', async (_what, target, message) => {
    await using registry = await FakeRegistry.start();
    const { reference, layerDigest } = await bigImage(registry);
    registry.intercept = (request, response) => {
      if (!asksFor(request, layerDigest)) return false;
      response.writeHead(302, { location: target(registry.host, request.url ?? '') }).end();
      return true;
    };
    await expect(pull(reference)).rejects.toMatchObject(invalid(message));
  });

  it('names only other machines', async () => {
    await using registry = await FakeRegistry.start();
    const image = await makeImage({ architecture: 'arm64', variant: 'v8' });
    registry.add(image, 'single');
    const index = makeIndex([{ image, platform: 'linux/arm64/v8' }]);
    const reference = registry.addDocument(index.bytes, index.type, 'index');
    for (const name of [reference, `${registry.host}/test/image:single`])
      await expect(pull(name)).rejects.toMatchObject(
        invalid(/nothing for linux\/amd64: it offers linux\/arm64\/v8/),
      );
    expect(await pull(reference, { platform: 'linux/arm64' })).toMatchObject({
      digest: image.manifestDigest,
    });
  });

  it('has indexes in indexes without end', async () => {
    await using registry = await FakeRegistry.start();
    const image = await makeImage();
    registry.add(image);
    let inner = {
      manifest: image.manifest,
      manifestType: image.manifestType,
      manifestDigest: image.manifestDigest,
    };
    const references = Array.from({ length: 10 }, (_, depth) => {
      const index = makeIndex([{ image: { ...image, ...inner }, platform: 'linux/amd64' }]);
      inner = { manifest: index.bytes, manifestType: index.type, manifestDigest: index.digest };
      return registry.addDocument(index.bytes, index.type, `depth${String(depth)}`);
    });
    expect(await pull(references[1] ?? '')).toMatchObject({ digest: image.manifestDigest });
    await expect(pull(references[9] ?? '')).rejects.toMatchObject(invalid(/index of indexes/));
  });

  it('has no layer twice, and as many as its configuration says', async () => {
    await using registry = await FakeRegistry.start();
    const same = await makeImage({ layers: [{ a: 'a' }, { a: 'a' }] });
    const pulled = await pull(registry.add(same));
    expect(pulled.layers).toHaveLength(2);
    expect(registry.count(/GET .*blobs/)).toBe(2);
    const fewer = await makeImage({ layers: [{ a: 'b' }], manifest: { layers: [] } });
    await expect(pull(registry.add(fewer, 'fewer'))).rejects.toMatchObject(
      invalid(/0 layers, its configuration knows 1/),
    );
  });

  it('has sha512 digests, which are as good', async () => {
    await using registry = await FakeRegistry.start();
    const image = await makeImage({ algorithm: 'sha512' });
    registry.add(image);
    const pulled = await pull(`${registry.host}/test/image@${image.manifestDigest}`);
    expect(pulled.digest).toMatch(/^sha512:/);
    await expectLayer(pulled, image);
  });

  it('is not there', async () => {
    const registry = await FakeRegistry.start();
    const { host } = registry;
    await registry[Symbol.asyncDispose]();
    await expect(pull(`${host}/test/image`)).rejects.toMatchObject(
      invalid(/cannot talk to 127\.0\.0\.1:\d+: .*ECONNREFUSED/),
    );
  });
});
