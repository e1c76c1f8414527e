import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { endOf, type Ended } from './cli.ts';
import { projectFolder } from './places.ts';

/** Runs a file of `examples/` as the program that a user would compile. */
export async function runExample(file: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const folder = join(projectFolder, '.build/examples');
  mkdirSync(folder, { recursive: true });
  const { outputText } = ts.transpileModule(readFileSync(join(projectFolder, 'examples', file), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const program = join(folder, basename(file, '.ts') + '.mjs');
  writeFileSync(program, outputText);
  return endOf(spawn(process.execPath, [program], { cwd: projectFolder, env: { ...process.env, ...env } }));
}
