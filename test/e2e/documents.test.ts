import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

interface Example {
  readonly file: string;
  readonly language: string;
  readonly text: string;
}

/** All fenced examples of a document in a language that can be run. */
function examplesOf(file: string): readonly Example[] {
  const fences = readFileSync(join(host.repo, file), 'utf8').matchAll(/^```(ts|sh)\n(.*?)^```$/gms);
  return [...fences].map(([, language = '', text = '']) => ({ file, language, text }));
}

/** A TypeScript example runs as the program that a user would compile; a shell example as it is, stopping at an error. */
function runExample({ language, text }: Example, index: number): ReturnType<typeof spawnSync> {
  if (language === 'sh')
    return spawnSync('bash', ['-euo', 'pipefail', '-c', text], { cwd: host.repo, encoding: 'utf8' });
  const folder = join(host.repo, '.build/examples');
  mkdirSync(folder, { recursive: true });
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const path = join(folder, `example-${String(index)}.mjs`);
  writeFileSync(path, outputText);
  return spawnSync(process.execPath, [path], { cwd: host.repo, encoding: 'utf8' });
}

const examples = ['README.md', 'docs/cli.md', 'docs/api.md', 'docs/images.md', 'docs/commands.md'].flatMap(
  examplesOf,
);

describe('the examples of the documents', () => {
  test('are there', () => {
    expect(examples.filter(({ language }) => language === 'ts').length).toBeGreaterThanOrEqual(2);
    expect(examples.filter(({ language }) => language === 'sh').length).toBeGreaterThanOrEqual(2);
  });

  test.each(
    examples.map((example, index) => [example.file, example.text.split('\n')[0] ?? '', index] as const),
  )('work: %s, the one that begins with %j', (_file, _line, index) => {
    const example = examples[index];
    if (example === undefined) throw new Error('no such example');
    const { status, stdout, stderr } = runExample(example, index);
    expect(status, `${String(stdout)}\n${String(stderr)}`).toBe(0);
  });
});
