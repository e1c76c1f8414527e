import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildRootfs } from '../../../../src/image/rootfs/build-rootfs.ts';
import { buildFolder, fixture } from '../../../support/places.ts';
import { fsckProblems, listTree, mountProblem, tarLayer, whileMounted } from '../../../support/rootfs.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();
const NOBODY = 65_534;

const problem = process.getuid?.() === 0 ? mountProblem() : 'only root can make every kind of file';
if (problem !== undefined) console.warn(`skipped: whole trees against their images (${problem})`);

function makeTree(): string {
  const tree = join(folder(), 'tree');
  mkdirSync(tree);
  execFileSync('python3', [fixture('make-tree.py'), tree]);
  return tree;
}

describe.skipIf(problem !== undefined)('a tree of all kinds of files, packed by GNU tar', () => {
  it('is in the image as it was, to the byte and the nanosecond', { timeout: 300_000 }, async () => {
    const tree = makeTree();
    const path = join(folder(), 'image.ext4');
    const layer = tarLayer(tree, '--format=posix', '--xattrs', '--xattrs-include=*');
    const built = await buildRootfs({ layers: [layer], sizeMib: null, path, signal });
    expect(fsckProblems(path)).toBe('');
    const expected = listTree(tree);
    expect(whileMounted(path, listTree)).toEqual(expected);
    expect(built.entryCount).toBe(Object.keys(expected).length - 1);
    expect(built.sizeBytes).toBe(statSync(path).size);
    expect(built.contentBytes).toBeLessThan(2 ** 28);
    expect(statSync(path).blocks * 512).toBeLessThan(built.contentBytes + 2 ** 26);
  });

  it('is the same when an ordinary user builds it', { timeout: 300_000 }, async () => {
    const tree = makeTree();
    const archive = join(folder(), 'tree.tar.gz');
    const options = ['--format=posix', '--xattrs', '--xattrs-include=*', '--exclude=./sizes/hole*'];
    execFileSync('tar', [...options, '-I', 'gzip -1', '-C', tree, '-cf', archive, '.']);
    const own = join(folder(), 'own');
    mkdirSync(own);
    chmodSync(folder(), 0o711);
    chownSync(own, NOBODY, NOBODY);
    const path = join(own, 'image.ext4');
    const request = { build: buildFolder, path, archives: [archive], uid: NOBODY };
    const answer = execFileSync(process.execPath, [fixture('rootfs-child.mjs'), JSON.stringify(request)]);
    expect(JSON.parse(answer.toString())).toHaveProperty('value');
    expect(readdirSync(own)).toEqual(['image.ext4']);
    expect(statSync(path)).toMatchObject({ uid: NOBODY, mode: 0o100600 });
    expect(fsckProblems(path)).toBe('');
    const expected = Object.entries(listTree(tree)).filter(([name]) => !name.startsWith('/sizes/hole'));
    expect(whileMounted(path, listTree)).toEqual(Object.fromEntries(expected));
  });
});
