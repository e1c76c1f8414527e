import { expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { rootfsFingerprint, sha256Hex } from './fingerprint.ts';
import { parseRootfsOptions } from './rootfs-options.ts';

const recipe = parseRootfsOptions({ name: 'a', dockerfile: 'FROM scratch' });
const fact = { path: 'x', sha256: sha256Hex('x'), size: 1, mode: '644' };

it('is what a root file system is made from, and nothing else', () => {
  const { key, metadata } = rootfsFingerprint(recipe, 'linux/amd64', 'amd64', [fact]);
  expect(key).toBe(sha256Hex(metadata));
  expect(JSON.parse(metadata)).toEqual({
    schemaVersion: 1,
    name: 'a',
    rootfsSizeMib: 512,
    dockerPlatform: 'linux/amd64',
    arch: 'amd64',
    dockerfileSha256: sha256Hex('FROM scratch'),
    context: [fact],
    buildArgs: {},
    fingerprintInputs: {},
  });
});

it('changes with each of them', () => {
  const keys = [
    rootfsFingerprint(recipe, 'linux/amd64', 'amd64', []),
    rootfsFingerprint({ ...recipe, name: 'b' }, 'linux/amd64', 'amd64', []),
    rootfsFingerprint({ ...recipe, dockerfile: 'FROM scratch\n' }, 'linux/amd64', 'amd64', []),
    rootfsFingerprint({ ...recipe, rootfsSizeMib: 513 }, 'linux/amd64', 'amd64', []),
    rootfsFingerprint({ ...recipe, buildArgs: { A: '1' } }, 'linux/amd64', 'amd64', []),
    rootfsFingerprint({ ...recipe, fingerprintInputs: { A: 1 } }, 'linux/amd64', 'amd64', []),
    rootfsFingerprint({ ...recipe, fingerprintInputs: { A: '1' } }, 'linux/amd64', 'amd64', []),
    rootfsFingerprint(recipe, 'linux/arm64', 'amd64', []),
    rootfsFingerprint(recipe, 'linux/amd64', 'arm64', []),
    rootfsFingerprint(recipe, 'linux/amd64', 'amd64', [fact]),
    rootfsFingerprint(recipe, 'linux/amd64', 'amd64', [{ ...fact, mode: '755' }]),
    rootfsFingerprint(recipe, 'linux/amd64', 'amd64', [{ ...fact, sha256: sha256Hex('y') }]),
  ].map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});

it('is the same whatever the order of keys', () => {
  const of = (inputs: Readonly<Record<string, unknown>>) =>
    rootfsFingerprint({ ...recipe, fingerprintInputs: inputs }, 'linux/amd64', 'amd64', []).key;
  expect(of({ a: { x: 1, y: [null, true] }, b: 2 })).toBe(of({ b: 2, a: { y: [null, true], x: 1 } }));
});

it('canonicalJson refuses what is no JSON', () => {
  for (const value of [new Date(), { a: () => 1 }, Number.NaN, undefined, 1n, new Map(), [Infinity]])
    expect(canonicalJson(value)).toBeUndefined();
});

it('canonicalJson refuses cycles, also wide ones', () => {
  const cycle: Record<string, unknown> = {};
  Object.assign(cycle, { a: cycle, b: cycle, c: [cycle, cycle] });
  expect(canonicalJson(cycle)).toBeUndefined();
});

it.each([
  [{ name: '..' }, /name/],
  [{ name: '.' }, /name/],
  [{ name: 'a/b' }, /name/],
  [{ name: '' }, /name/],
  [{ dockerfile: ' \n' }, /not blank/],
  [{ rootfsSizeMib: 0 }, /rootfsSizeMib/],
  [{ rootfsSizeMib: 1.5 }, /rootfsSizeMib/],
  [{ rootfsSizeMb: 512 }, /is not an option/],
  [{ buildArgs: { 'A=B': 'x' } }, /buildArgs/],
  [{ buildArgs: { A: 1 } }, /buildArgs.A/],
  [{ dockerPlatform: '--privileged' }, /platform/],
  [{ fingerprintInputs: { at: new Date(0) } }, /JSON/],
  [{ engine: 'nerdctl' }, /docker, podman, buildah/],
  [{ sshCapable: 'yes' }, /true or false/],
  [{ cacheDir: ' ' }, /path/],
])('options %j are refused', (change, message) => {
  expect(() => parseRootfsOptions({ name: 'a', dockerfile: 'FROM scratch', ...change })).toThrow(message);
});

it('tells every problem of the options at once, and trims the name', () => {
  expect(() => parseRootfsOptions({ name: '', dockerfile: '', context: { '/x': '' } })).toThrow(
    /name.*dockerfile.*context/s,
  );
  expect(parseRootfsOptions({ name: ' a.B-c_1 ', dockerfile: 'x' }).name).toBe('a.B-c_1');
});
