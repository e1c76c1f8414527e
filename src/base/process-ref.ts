import { readFileSync, readdirSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { poll } from './poll.ts';

/**
 * A process that cannot be mistaken for another: the pid alone is reused, the pid with its start time and the host's
 * boot id is not. Start time is field 22 of `/proc/PID/stat`, in clock ticks since boot (proc(5)).
 */
export interface ProcessRef {
  readonly pid: number;
  readonly startTicks: number;
  readonly bootId: string;
}

interface ProcessStat {
  readonly state: string;
  readonly startTicks: number;
}

let bootId: string | undefined;

/** The id of the host's current boot (`/proc/sys/kernel/random/boot_id`). */
export function hostBootId(): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootId;
}

/** The reference of a live process, or undefined when there is none (a zombie is dead). */
export function processRef(pid: number): ProcessRef | undefined {
  const stat = readStat(pid);
  if (stat === undefined || isDead(stat.state)) return undefined;
  return { pid, startTicks: stat.startTicks, bootId: hostBootId() };
}

/** The reference of this process. */
export function ownProcessRef(): ProcessRef {
  const own = processRef(process.pid);
  if (own === undefined) throw new Error('this process is not in /proc: is /proc mounted?');
  return own;
}

/** Is it still the same process, and not a zombie? */
export function isAlive(ref: ProcessRef): boolean {
  if (ref.bootId !== hostBootId()) return false;
  const stat = readStat(ref.pid);
  return stat !== undefined && !isDead(stat.state) && stat.startTicks === ref.startTicks;
}

/** Signals the process if it is still the same one. Returns whether it was. */
export function signalProcess(ref: ProcessRef, signal: NodeJS.Signals): boolean {
  if (!isAlive(ref)) return false;
  try {
    return process.kill(ref.pid, signal);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Resolves when the process has ended. It need not be our child, so this asks every 2 ms. */
export async function waitForExit(ref: ProcessRef, signal: AbortSignal): Promise<void> {
  await poll(() => (isAlive(ref) ? undefined : true), 2, signal);
}

/** Live processes that have `argument` as one whole argument on their command line. */
export function findProcesses(argument: string): readonly ProcessRef[] {
  const found: ProcessRef[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    if (!readProcFile(`/proc/${name}/cmdline`)?.split('\0').includes(argument)) continue;
    const ref = processRef(Number(name));
    if (ref !== undefined) found.push(ref);
  }
  return found;
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${String(pid)}/stat`);
  if (text === undefined) return undefined;
  // The command name may hold spaces and brackets, so fields are counted from its last bracket: field 3 comes next.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], Number(fields[19])];
  return state === undefined || !Number.isInteger(startTicks) ? undefined : { state, startTicks };
}

function isDead(state: string): boolean {
  return state === 'Z' || state === 'X';
}

/** A file of a process that may end while we read; gone (ENOENT, ESRCH) or not ours to read is undefined. */
function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ESRCH' || errno === 'EACCES' || errno === 'EPERM') return undefined;
    throw error;
  }
}
