import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFolder, projectFolder } from './places.ts';

/**
 * Vitest's global setup: compiles src/ to where the child processes of tests find it, unless that is up to date. It is a
 * folder of its own, so that a test run never changes the dist/ that somebody uses. Types are checked elsewhere.
 */
export function setup(): void {
  const stampPath = `${buildFolder}.stamp`;
  const stamp = hashOfSources();
  if (existsSync(buildFolder) && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return;
  rmSync(buildFolder, { recursive: true, force: true });
  const tsc = join(projectFolder, 'node_modules/typescript/bin/tsc');
  const args = [
    '-p',
    'tsconfig.build.json',
    '--outDir',
    buildFolder,
    '--noEmitOnError',
    'false',
    '--noCheck',
  ];
  execFileSync(process.execPath, [tsc, ...args], { cwd: projectFolder, stdio: 'inherit' });
  writeFileSync(stampPath, stamp);
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const sources = readdirSync(join(projectFolder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join('src', name));
  for (const name of [...sources.sort(), 'tsconfig.json', 'tsconfig.build.json']) {
    hash.update(`${name}\0`).update(readFileSync(join(projectFolder, name)));
  }
  return hash.digest('hex');
}
