import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { endOf, type Ended } from './cli.ts';
import { projectFolder } from './places.ts';

/** Runs a file of `examples/` as the program that a user would compile. */
export async function runExample(file: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  return runProgram(basename(file, '.ts'), readFileSync(join(projectFolder, 'examples', file), 'utf8'), env);
}

/** Runs TypeScript as the program that a user would compile. */
export async function runProgram(
  name: string,
  text: string,
  env: Readonly<Record<string, string>>,
  cwd = projectFolder,
): Promise<Ended> {
  const folder = join(projectFolder, '.build/examples');
  mkdirSync(folder, { recursive: true });
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const program = join(folder, `${name}.mjs`);
  writeFileSync(program, outputText);
  return endOf(spawn(process.execPath, [program], { cwd, env: { ...process.env, ...env } }));
}

/** The texts of the fences of a document that are of this language, such as `typescript`. */
export function fencesOf(document: string, language: string): readonly string[] {
  const text = readFileSync(join(projectFolder, document), 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, its, body]) =>
    its === language && body !== undefined ? [body] : [],
  );
}
