import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../support/places.ts';

const MAX_LINES = 300;

const sources = readdirSync(join(projectFolder, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name: `src/${name}`, text: readFileSync(join(projectFolder, 'src', name), 'utf8') }));

/** The text without comments. */
function codeOf(text: string): string {
  const printer = ts.createPrinter({ removeComments: true });
  return printer.printFile(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, false));
}

describe('the sources', () => {
  it('are there', () => {
    expect(sources.length).toBeGreaterThan(50);
  });

  it('name QEMU only in its own folder, in the registry, in the list of names and as an environment variable', () => {
    const mayName = (name: string): boolean =>
      name.startsWith('src/hypervisor/qemu/') ||
      ['src/hypervisor/registry.ts', 'src/spec/backend-names.ts'].includes(name);
    const naming = sources
      .filter(({ name }) => !mayName(name))
      .filter(({ name, text }) => {
        const code = codeOf(text);
        return /qemu/i.test(name === 'src/open-host.ts' ? code.replaceAll('SMOLVM_QEMU', '') : code);
      })
      .map(({ name }) => name);
    expect(naming).toEqual([]);
  });

  it(`have fewer than ${MAX_LINES} lines each`, () => {
    const long = sources
      .filter(({ text }) => text.trimEnd().split('\n').length >= MAX_LINES)
      .map(({ name }) => name);
    expect(long).toEqual([]);
  });
});
