import { cpus, loadavg, release, totalmem } from 'node:os';
import { run } from '../scripts/assets/run.ts';

/** What the figures were measured on. */
export function machine(): Readonly<Record<string, string | number>> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpuCount: cpus().length,
    memoryMib: Math.round(totalmem() / 1024 / 1024),
    hostKernel: release(),
    load1: loadavg()[0] ?? 0,
    node: process.version,
    qemu: run(['qemu-system-x86_64', '--version']).split('\n')[0] ?? 'unknown',
    commit: run(['git', 'rev-parse', '--short', 'HEAD']).trim(),
  };
}
