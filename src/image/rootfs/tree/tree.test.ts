import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayerProblem } from '../layer-problem.ts';
import type { TarEntry } from '../tar/read-tar.ts';
import { addEntry, putFile } from './add-entry.ts';
import type { FolderNode, Meta } from './nodes.ts';
import { Tree } from './tree.ts';

type Entry = Omit<TarEntry, 'body'>;
/** An entry, or the begin of the next layer. */
type Step = Entry | 'next layer';

const LIMITS = { maxEntries: 10_000, maxNameBytes: 1_000_000 };
const META: Meta = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, xattrs: new Map() };

function entry(name: string, kind: Entry['kind'], linkName = ''): Entry {
  return { ...META, name, kind, linkName, devMajor: 0, devMinor: 0, sizeBytes: 0 };
}

/** Applies the steps; each entry is owned by its number, so that it is known again. */
function applied(steps: readonly Step[]): Tree {
  const tree = new Tree(LIMITS, META);
  tree.layer = 1;
  for (const [index, step] of steps.entries()) {
    if (step === 'next layer') tree.layer += 1;
    else {
      const file = addEntry(tree, { ...step, uid: index + 1 });
      if (file !== null) putFile(tree, file, { sizeBytes: 0, pieces: [] });
    }
  }
  return tree;
}

/** Paths and what is there: kind, target and, of all but folders, the owner. */
function told(folder: FolderNode, path = '', found = new Map<string, string>()): ReadonlyMap<string, string> {
  for (const [name, { node }] of folder.places) {
    const own = node.kind === 'folder' ? '' : ` ${node.meta.uid}`;
    found.set(`${path}/${name}`, `${node.kind}${own}${node.kind === 'symlink' ? ` ${node.target}` : ''}`);
    if (node.kind === 'folder') told(node, `${path}/${name}`, found);
  }
  return found;
}

/** The same rules once more, as simple as can be: one map of whole paths. */
class Model {
  readonly paths = new Map<string, { text: string; layer: number }>();
  #layer = 1;

  apply(steps: readonly Step[]): ReadonlyMap<string, string> {
    for (const [index, step] of steps.entries()) {
      if (step === 'next layer') this.#layer += 1;
      else this.#add(step, index + 1);
    }
    return new Map([...this.paths].map(([path, { text }]) => [path, text]));
  }

  #add(entry: Entry, uid: number): void {
    const { names, last } = splitLast(entry.name);
    if (last.startsWith('.wh.')) {
      this.#whiteOut(this.#follow(names, false), last);
      return;
    }
    const text = this.#textOf(entry, uid);
    const path = `${this.#follow(names, true) ?? ''}/${last}`;
    if (text !== 'folder' || this.paths.get(path)?.text !== 'folder')
      for (const below of [...this.paths.keys()]) if (below.startsWith(`${path}/`)) this.paths.delete(below);
    this.paths.set(path, { text, layer: this.#layer });
  }

  #whiteOut(folder: string | undefined, last: string): void {
    if (folder === undefined) return;
    if (last === '.wh..wh..opq') this.#removeLower(`${folder}/`);
    else this.#removeLower(`${folder}/${last.slice(4)}/`, `${folder}/${last.slice(4)}`);
  }

  #textOf({ kind, linkName }: Entry, uid: number): string {
    if (kind === 'symlink') return `symlink ${uid} ${linkName}`;
    if (kind !== 'link') return kind === 'folder' ? 'folder' : `${kind} ${uid}`;
    const { names, last } = splitLast(linkName);
    const text = this.paths.get(`${this.#follow(names, false) ?? 'nowhere'}/${last}`)?.text ?? 'folder';
    if (text === 'folder') throw new Error('a link to nothing or to a folder');
    return text;
  }

  #follow(names: readonly string[], isMaking: boolean, at = { path: '', hops: 0 }): string | undefined {
    const { path, hops } = at;
    const [name, ...rest] = names;
    if (name === undefined) return path;
    if (['', '.'].includes(name)) return this.#follow(rest, isMaking, at);
    if (name === '..') return this.#follow(rest, isMaking, { path: path.replace(/\/[^/]*$/, ''), hops });
    const below = `${path}/${name}`;
    const text = this.#textAt(below, isMaking);
    if (text === 'folder') return this.#follow(rest, isMaking, { path: below, hops });
    const target = /^symlink \d+ (.*)$/.exec(text)?.[1];
    if (target === undefined && !isMaking) return undefined;
    if (target === undefined || hops === 40) throw new Error('a file on the way, or a loop');
    const from = target.startsWith('/') ? '' : path;
    return this.#follow([...target.split('/'), ...rest], isMaking, { path: from, hops: hops + 1 });
  }

  #textAt(path: string, isMaking: boolean): string {
    if (isMaking && !this.paths.has(path)) this.paths.set(path, { text: 'folder', layer: this.#layer });
    return this.paths.get(path)?.text ?? '';
  }

  #removeLower(prefix: string, itself?: string): void {
    const found = [...this.paths.keys()].filter((path) => path.startsWith(prefix) || path === itself);
    for (const path of found.sort((one, other) => other.split('/').length - one.split('/').length)) {
      const isEmpty = ![...this.paths.keys()].some((other) => other.startsWith(`${path}/`));
      if (isEmpty && (this.paths.get(path)?.layer ?? 0) < this.#layer) this.paths.delete(path);
    }
  }
}

function splitLast(path: string): { readonly names: readonly string[]; readonly last: string } {
  const names = path.split('/').filter((part) => part !== '');
  return { names: names.slice(0, -1), last: names.at(-1) ?? '' };
}

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const target = fc.constantFrom('a', 'b/c', '..', '../b', '/', '/a/b', '../../../c', './c/.', '/c');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: path.map((at) => entry(at, 'file')) },
  { weight: 2, arbitrary: path.map((at) => entry(`${at}/`, 'folder')) },
  { weight: 2, arbitrary: fc.tuple(path, target).map(([at, to]) => entry(at, 'symlink', to)) },
  { weight: 2, arbitrary: fc.tuple(path, path).map(([at, to]) => entry(at, 'link', to)) },
  { weight: 1, arbitrary: path.map((at) => entry(at, 'fifo')) },
  { weight: 2, arbitrary: path.map((at) => entry(at.replace(/[^/]*$/, '.wh.$&'), 'file')) },
  { weight: 1, arbitrary: path.map((at) => entry(at.replace(/[^/]*$/, '.wh..wh..opq'), 'file')) },
  { weight: 3, arbitrary: fc.constant<Step>('next layer') },
);

function outcome(apply: () => ReadonlyMap<string, string>): readonly string[] | 'refused' {
  try {
    return [...apply()].map((pair) => pair.join(': ')).sort();
  } catch {
    return 'refused';
  }
}

describe('Tree', { timeout: 60_000 }, () => {
  it('becomes what the rules of OCI layers say, whatever the entries', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        expect(outcome(() => told(applied(steps).root))).toEqual(outcome(() => new Model().apply(steps)));
      }),
      { numRuns: 1500 },
    );
  });

  it('holds no name that a folder cannot hold, whatever is in an archive', () => {
    const byte = fc.constantFrom('a', '/', '.', '\0', '\\', '\xff', '\n', ' ');
    const hostile = fc.string({ unit: byte, maxLength: 12 });
    const kind = fc.constantFrom<Entry['kind']>('file', 'folder', 'symlink', 'link', 'fifo');
    const hostileEntry = fc.tuple(hostile, kind, hostile).map(([at, of, to]) => entry(at, of, to));
    fc.assert(
      fc.property(fc.array(hostileEntry, { maxLength: 12 }), (entries) => {
        const good = entries.filter((one) => {
          try {
            addEntry(new Tree(LIMITS, META), one);
            return true;
          } catch (error) {
            expect(error).toBeInstanceOf(LayerProblem);
            return false;
          }
        });
        let tree: Tree;
        try {
          tree = applied(good);
        } catch (error) {
          expect(error).toBeInstanceOf(LayerProblem);
          return;
        }
        for (const at of told(tree.root).keys()) expect(at).toMatch(/^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/);
      }),
      { numRuns: 1500 },
    );
  });

  it('counts what is put into it', () => {
    const tree = new Tree({ maxEntries: 3, maxNameBytes: 1000 }, META);
    addEntry(tree, entry('a/b/c', 'fifo'));
    expect(() => addEntry(tree, entry('d', 'fifo'))).toThrow(/more than 3 entries/);
  });
});
