import { existsSync, readFileSync } from 'node:fs';
import { writeAll, writeFileAtomic } from '../base/write-atomic.ts';
import { SmolVMError } from '../errors.ts';
import type { VmControl } from '../hypervisor/hypervisor.ts';
import { vmPaths, type VmPaths } from '../spec/file-names.ts';
import { findVm } from './find-vm.ts';
import type { Services } from './services.ts';
import { Deadline } from '../base/deadline.ts';

/** The newest console output that is kept on disk. */
const MAX_LOG_BYTES = 1024 * 1024;

/** How long a VMM may take to hand over its console. */
const READ_TIMEOUT_MS = 5_000;

/** All console output of a VM that is kept, oldest first. Bytes of the guest: escape them before showing. */
export async function readConsole(services: Services, vmId: string, signal?: AbortSignal): Promise<Buffer> {
  const { vm, status } = findVm(services, vmId);
  const paths = vmPaths(services.paths, vmId);
  if (status.state !== 'running' && status.state !== 'paused') return readLog(paths.consoleLog);
  using deadline = new Deadline(`read the console of VM '${vmId}'`, READ_TIMEOUT_MS, signal);
  const hypervisor = services.hypervisors.find(({ name }) => name === vm.backend);
  if (hypervisor === undefined) throw unknownBackend(vm.backend);
  using control = await hypervisor.control(paths.controlSocket, deadline.signal);
  return await saveConsole(paths, control, deadline.signal);
}

/** Moves what the VMM holds of the console into the log, and returns the whole log. The open line is the lock. */
export async function saveConsole(paths: VmPaths, control: VmControl, signal: AbortSignal): Promise<Buffer> {
  const fresh = await control.takeConsole(signal);
  const log = Buffer.concat([readLog(paths.consoleLog), fresh]).subarray(-MAX_LOG_BYTES);
  if (fresh.length > 0) {
    await writeFileAtomic({
      path: paths.consoleLog,
      mode: 0o600,
      durable: false,
      write: (file) => writeAll(file, log, 0),
    });
  }
  return log;
}

function readLog(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}

/** A record of a backend that this version does not have. */
export function unknownBackend(name: string): SmolVMError {
  return new SmolVMError('HYPERVISOR_UNAVAILABLE', `this smolvm has no backend '${name}'`, {
    hint: 'The VM was made by another version of smolvm. It can still be deleted.',
  });
}
