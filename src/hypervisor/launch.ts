import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { findProgram } from '../base/find-program.ts';
import { processRef, type ProcessRef } from '../base/process-ref.ts';
import { minimalEnv, spawnError } from '../base/subprocess.ts';
import { SmolVMError } from '../errors.ts';
import { escapeText } from '../base/escape-text.ts';
import type { LaunchPlan } from './hypervisor.ts';

/** Where a launch leaves its traces. */
export interface LaunchSite {
  /** Receives the VMM's own messages. */
  readonly logPath: string;
  /** Receives the {@link ProcessRef} in the same tick as the process starts. */
  readonly refPath: string;
  /** The VMM must not outlive this process, not even its `kill -9`. */
  readonly dieWithUs: boolean;
}

/** A VMM that was started. */
export interface Launched {
  readonly vmm: ProcessRef;
  /** Resolves with a sentence when the process ends. Only while this process lives. */
  readonly ended: Promise<string>;
}

/** Starts a plan's command, detached: it outlives this process unless asked otherwise. */
export async function launch(plan: LaunchPlan, site: LaunchSite): Promise<Launched> {
  const [program, ...args] = site.dieWithUs ? dyingWithUs(plan.argv) : plan.argv;
  const log = openSync(site.logPath, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: minimalEnv(),
      cwd: '/',
    });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(signal === null ? `it exited with code ${String(code)}` : `it was killed by ${signal}`);
      });
    });
    child.unref();
    // A failed spawn has no pid and tells why in the next tick.
    if (child.pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new SmolVMError('LAUNCH_FAILED', spawnError(program, error).message, { cause: error });
    }
    const vmm = processRef(child.pid);
    if (vmm === undefined) throw new SmolVMError('LAUNCH_FAILED', `the VMM ended at once: ${await ended}`);
    writeFileSync(site.refPath, JSON.stringify(vmm), { mode: 0o600 });
    return { vmm, ended };
  } finally {
    closeSync(log);
  }
}

/**
 * The command under util-linux's setpriv, which sets the parent death signal and then becomes the VMM (same pid).
 * Without setpriv the VM is ended by the next `reconcile` instead; `doctor` says so.
 */
function dyingWithUs(argv: LaunchPlan['argv']): LaunchPlan['argv'] {
  const setpriv = findProgram('setpriv');
  return setpriv === undefined ? argv : [setpriv, '--pdeathsig', 'KILL', ...argv];
}

/** Makes the VMM's sockets private. The folder around them is private already; this is the second lock. */
export function protectSockets(plan: LaunchPlan): void {
  for (const socket of plan.sockets) chmodSync(socket, 0o600);
}

/** The last lines that the VMM wrote to its log, safe to show; empty if there are none. */
export function lastLogLines(logPath: string): string {
  if (!existsSync(logPath)) return '';
  const lines = readFileSync(logPath, 'utf8').trim().split('\n').slice(-5);
  return escapeText(lines.join('\n'), { keepLines: true }).slice(-2_000);
}
