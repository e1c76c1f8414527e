// The built CLI as a child process.
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildFolder } from './places.ts';

export const program = join(buildFolder, 'cli/main.js');

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

/** The same on a terminal; both outputs come as one, with `\n` for the terminal's `\r\n`. */
export async function onTerminal(args: string, env: Record<string, string> = {}): Promise<Ended> {
  const line = `'${process.execPath}' '${program}' ${args}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...env },
  });
  const ended = await endOf(child);
  return { ...ended, stdout: ended.stdout.replaceAll('\r\n', '\n') };
}

export async function json(
  args: readonly string[],
): Promise<{ readonly exitCode: number | null; readonly envelope: unknown }> {
  const { exitCode, stdout, stderr } = await cli(['--json', ...args]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[^\n]+\n$/);
  return { exitCode, envelope: JSON.parse(stdout) as unknown };
}

/** Waits for a text on stdout. */
export async function seen(child: ChildProcess, text: string): Promise<void> {
  let all = '';
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      all += chunk.toString();
      if (all.includes(text)) resolve();
    });
  });
}
