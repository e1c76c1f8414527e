import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../errors.ts';

/** What a thread has asked of this host so far. */
interface Demand {
  readonly ranMs: number;
  /** Waiting for a CPU: on a busy host it stands for running. */
  readonly waitedMs: number;
  readonly waitsForDisk: boolean;
  /** Runs or could run now: what it waits for a CPU is counted only once it has got one. */
  readonly isRunnable: boolean;
}

/** The threads of a process by id; undefined when it is gone, or the kernel does not count (`CONFIG_SCHED_INFO`). */
type Threads = ReadonlyMap<string, Demand>;

/** When a process counts as settled. */
export interface SettledRule {
  /** It has asked for at most `maxCpuMs` of the CPUs, and for no disk, for so long … */
  readonly windowMs: number;
  readonly maxCpuMs: number;
  /** … or it has run for so long in all, and does not rest. */
  readonly busyMs: number;
}

/** How many looks there are in a window. */
const LOOKS = 10;

/**
 * Resolves when a process has nothing to do but wait, or is at work for good. What counts is what it asks for, so that
 * it makes no difference how busy the host is.
 *
 * @returns false if that cannot be known
 */
export async function untilSettled(pid: number, rule: SettledRule, signal: AbortSignal): Promise<boolean> {
  let looks: readonly Threads[] = [];
  for (;;) {
    signal.throwIfAborted();
    const now = threadsOf(pid);
    if (now === undefined) return false;
    looks = [...looks, now].slice(-LOOKS - 1);
    if (isSettled(looks, rule)) return true;
    try {
      await sleep(rule.windowMs / LOOKS, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}

function isSettled(looks: readonly Threads[], { maxCpuMs, busyMs }: SettledRule): boolean {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined) return false;
  if (sum(last, ({ ranMs }) => ranMs) >= busyMs) return true;
  if (looks.length <= LOOKS) return false;
  if (looks.some((look) => [...look.values()].some(({ waitsForDisk }) => waitsForDisk))) return false;
  const busyLooks = looks.filter((look) => [...look.values()].some(({ isRunnable }) => isRunnable));
  if (busyLooks.length > LOOKS / 2) return false;
  // By thread: one that has ended takes its time along.
  const asked = sum(last, ({ ranMs, waitedMs }, id) => {
    const before = first.get(id);
    return ranMs + waitedMs - (before === undefined ? 0 : before.ranMs + before.waitedMs);
  });
  return asked <= maxCpuMs;
}

function sum(threads: Threads, of: (demand: Demand, id: string) => number): number {
  return [...threads].reduce((total, [id, demand]) => total + of(demand, id), 0);
}

function threadsOf(pid: number): Threads | undefined {
  const folder = `/proc/${String(pid)}/task`;
  const ids = readOr(() => readdirSync(folder));
  if (ids === undefined) return undefined;
  const threads = new Map<string, Demand>();
  for (const id of ids) {
    const demand = readOr(() => demandOf(`${folder}/${id}`));
    if (demand !== undefined) threads.set(id, demand);
  }
  return threads.size === 0 ? undefined : threads;
}

/** `schedstat`: "nanoseconds-run nanoseconds-waited slices"; in `stat` the state comes after the name (proc(5)). */
function demandOf(folder: string): Demand {
  const [ranNs = 0, waitedNs = 0] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ').map(Number);
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  const state = stat.charAt(stat.lastIndexOf(')') + 2);
  return {
    ranMs: ranNs / 1e6,
    waitedMs: waitedNs / 1e6,
    waitsForDisk: state === 'D',
    isRunnable: state === 'R',
  };
}

/** Threads end while we read, and files may be missing or not ours. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ESRCH' || errno === 'EACCES' || errno === 'EPERM') return undefined;
    throw error;
  }
}
