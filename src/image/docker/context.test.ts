import { expect, it } from 'vitest';
import fc from 'fast-check';
import { checkContext } from './context.ts';

it('takes text, bytes, contents with a mode and files of the host', () => {
  const { files, problems } = checkContext({
    'a.txt': 'ü',
    './b//c': new Uint8Array([1]),
    d: { content: 'x', mode: 0o755 },
    e: { path: '/bin/true' },
    f: { path: 'relative', mode: 0o600 },
  });
  expect(problems).toEqual([]);
  expect(files.map(({ path, mode }) => [path, mode])).toEqual([
    ['a.txt', 0o644],
    ['b/c', 0o644],
    ['d', 0o755],
    ['e', undefined],
    ['f', 0o600],
  ]);
  expect(files[0]?.source).toEqual({ content: Buffer.from('ü') });
});

it.each(['../init', 'a/../b', '/init', '', '.', './', 'a/', 'a/.', '..', 'x\0y', 'a'.repeat(256)])(
  'refuses the path %j',
  (path) => {
    expect(checkContext({ [path]: 'x' })).toMatchObject({
      files: [],
      problems: [expect.stringMatching(/path/)],
    });
  },
);

it.each(['Dockerfile', 'nested/dockerfile', 'a/b/DOCKERFILE'])('reserves the name %s', (path) => {
  expect(checkContext({ [path]: 'x' }).problems).toEqual([expect.stringContaining('reserved')]);
});

it('refuses two entries of one path, and a file where another needs a folder', () => {
  expect(checkContext({ 'a/b': 'x', 'a//b': 'y' }).problems).toEqual(['context.a/b: is there twice']);
  expect(checkContext({ a: 'x', 'a/b/c': 'y' }).problems).toEqual(['context.a/b/c: a is a file']);
});

it.each([
  [5, /received a value of type number/],
  [null, /received null/],
  [['x'], /received an array/],
  [{ content: 5 }, /expected text or bytes/],
  [{ path: '' }, /expected the path/],
  [{ content: 'x', mode: 0o10000 }, /./],
  [{ content: 'x', mode: 1.5 }, /permission bits/],
  [{ content: 'x', owner: 1 }, /owner is not an option/],
  [{ path: 'x', content: 'y' }, /content is not an option/],
])('refuses the value %j', (value, message) => {
  const { files, problems } = checkContext({ a: value });
  expect(files).toEqual([]);
  expect(problems).toEqual([expect.stringMatching(message)]);
});

it('refuses what is no record, and more files than anybody has', () => {
  expect(checkContext([]).problems).toHaveLength(1);
  const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`f${String(index)}`, '']));
  expect(checkContext(many).problems).toEqual([expect.stringContaining('10000')]);
});

it('never lets a path out of the context', () => {
  const part = fc.constantFrom('..', '.', '', 'a', 'b', '/', '\\', 'Dockerfile', '...');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      for (const { path } of checkContext({ [parts.join('/')]: 'x' }).files) {
        expect(path.startsWith('/')).toBe(false);
        expect(path.split('/')).not.toContain('..');
        expect(path).not.toBe('.');
      }
    }),
  );
});
