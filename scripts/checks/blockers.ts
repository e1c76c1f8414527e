import { spawnSync } from 'node:child_process';

const qemu = 'qemu-system-x86_64';

export function goBlocker(): string | undefined {
  return spawnSync('go', ['version']).status === 0 ? undefined : 'go is not installed';
}

/** Rebuilding the agent and the base image needs their tools, in the versions that made the shipped ones. */
export function assetsBlocker(): string | undefined {
  const missing = ['go', 'mke2fs', 'debugfs', 'zstd', 'dpkg-deb'].filter(
    (program) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status !== 0,
  );
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return process.getuid?.() === 0 ? undefined : 'only root can make files of other owners for the base image';
}

/** Starts a microVM without a kernel and quits it: shows that QEMU works here at all. */
export function guestBlocker(): string | undefined {
  const argv = ['-machine', 'microvm', '-accel', 'tcg', '-nodefaults', '-display', 'none'];
  const { error, status, stderr } = spawnSync(qemu, [...argv, '-S', '-monitor', 'stdio'], {
    encoding: 'utf8',
    input: 'quit\n',
    timeout: 30_000,
  });
  if (error !== undefined) return `${qemu} does not run: ${error.message}`;
  return status === 0 ? undefined : `${qemu} cannot start a microVM: ${stderr.trim()}`;
}
