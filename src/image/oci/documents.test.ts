import { describe, expect, it } from 'vitest';
import { parseImageDocument } from './documents.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 10 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = {
  schemaVersion: 2,
  manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 9 }],
};

const parse = (document: unknown) =>
  parseImageDocument(Buffer.from(JSON.stringify(document)), 'the manifest x');

/** The error that parsing ends with. */
function refusal(document: unknown): unknown {
  try {
    parse(document);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('parseImageDocument', () => {
  it('knows a manifest and an index by what they hold', () => {
    expect(parse(manifest)).toMatchObject({ kind: 'manifest', manifest: { layers: [{ size: 10 }] } });
    expect(parse(index)).toMatchObject({ kind: 'index', manifests: [{ digest, platform: null }] });
  });

  it.each([
    'application/vnd.oci.image.layer.v1.tar',
    'application/vnd.oci.image.layer.v1.tar+zstd',
    'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.docker.image.rootfs.diff.tar',
  ])('takes layers of type %s', (mediaType) => {
    expect(parse({ ...manifest, layers: [{ ...layer, mediaType }] })).toMatchObject({ kind: 'manifest' });
  });

  it('takes the types of Docker, and null where Go writes it', () => {
    const docker = {
      ...manifest,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json', urls: null },
      annotations: null,
    };
    expect(parse(docker)).toMatchObject({ kind: 'manifest' });
  });

  it.each([
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, /schema 1/],
    ['no version', { config, layers: [] }, /schemaVersion/],
    ['an index and a manifest in one', { ...manifest, ...index }, /either/],
    ['neither', { schemaVersion: 2 }, /either/],
    [
      'the type of another document',
      { ...manifest, mediaType: 'application/vnd.oci.image.index.v1+json' },
      /media type/,
    ],
    [
      'a chart',
      { ...manifest, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      /no image.*helm/,
    ],
    [
      'a foreign layer',
      {
        ...manifest,
        layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
      },
      /foreign/,
    ],
    [
      'a layer to be had elsewhere',
      { ...manifest, layers: [{ ...layer, urls: ['https://example.com/x'] }] },
      /foreign/,
    ],
    [
      'an encrypted layer',
      { ...manifest, layers: [{ ...layer, mediaType: `${layer.mediaType}+encrypted` }] },
      /unknown type/,
    ],
    [
      'a digest that leaves its folder',
      { ...manifest, layers: [{ ...layer, digest: 'sha256:../../x' }] },
      /digest/,
    ],
    [
      'a digest of a weak hash',
      { ...manifest, config: { ...config, digest: `md5:${'0'.repeat(32)}` } },
      /digest/,
    ],
    ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }, /size/],
    ['a size beyond reason', { ...manifest, layers: [{ ...layer, size: 2 ** 50 }] }, /size/],
    ['a size that is text', { ...manifest, layers: [{ ...layer, size: '10' }] }, /size/],
    ['too many layers', { ...manifest, layers: new Array(513).fill(layer) }, /at most 512/],
    [
      'too many manifests',
      { ...index, manifests: new Array(1_025).fill(index.manifests[0]) },
      /at most 1024/,
    ],
    ['a list', [], /object/],
    ['null', null, /object/],
  ])('refuses %s', (_what, document, message) => {
    expect(refusal(document)).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(message) as unknown,
      hint: expect.stringMatching(/./) as unknown,
    });
  });

  it.each([['{'], [''], ['\xff\xfe'], ['<html>']])('refuses what is no JSON: %j', (text) => {
    expect(() => parseImageDocument(Buffer.from(text, 'latin1'), 'the manifest x')).toThrow(/is not JSON/);
  });
});
