import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildFolder } from './places.ts';

/** The compiled command line. */
export const program = join(buildFolder, 'cli/main.js');

/** How a run of it ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

interface Options {
  readonly input?: Uint8Array | string;
  readonly env?: Record<string, string>;
}

/** A running CLI, and its end. */
export function start(args: readonly string[], { input, env }: Options = {}) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
  child.stdin.on('error', () => undefined).end(input ?? '');
  return { child, ended: endOf(child) };
}

export async function endOf(child: ChildProcess): Promise<Ended> {
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => chunks[name].push(chunk));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const bytes = Buffer.concat(chunks.stdout);
  return { exitCode, stdout: bytes.toString(), stderr: Buffer.concat(chunks.stderr).toString(), bytes };
}

export async function cli(args: readonly string[], options?: Options): Promise<Ended> {
  return start(args, options).ended;
}

/** The same with `--json`: the one envelope on stdout, and nothing on stderr. */
export async function json(
  args: readonly string[],
): Promise<{ readonly exitCode: number | null; readonly envelope: unknown }> {
  const { exitCode, stdout, stderr } = await cli(['--json', ...args]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[^\n]+\n$/);
  return { exitCode, envelope: JSON.parse(stdout) as unknown };
}
