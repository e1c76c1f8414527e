import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The clone: this file runs as `.build/scripts/assets/run.js`. */
export const REPO = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs a program to its end, its messages on our stderr; fails if it does. Returns its stdout. */
export function run(argv: readonly [string, ...string[]], options: { cwd?: string; env?: Record<string, string>; input?: string } = {}): string {
  const [program, ...args] = argv;
  const result = spawnSync(program, args, {
    cwd: options.cwd,
    input: options.input ?? '',
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C', ...options.env },
  });
  if (result.error !== undefined) throw new Error(`cannot start ${program}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${argv.join(' ')} failed with code ${String(result.status ?? result.signal)}`);
  return result.stdout;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function sha256OfFile(path: string): string {
  return sha256(readFileSync(path));
}
