import type { BootImage } from '../spec/boot-image.ts';
import type { Channel } from '../spec/channel.ts';
import type { DiskMode } from '../spec/vm-fields.ts';
import type { VmRecord, VmState } from '../spec/vm-record.ts';
import type { Services } from './services.ts';

/** What is known of a VM, as plain data. */
export interface VmInfo {
  readonly vmId: string;
  readonly state: VmState;
  /** Why, for a VM that is `failed`. */
  readonly reason: string | null;
  readonly vcpuCount: number;
  readonly memSizeMib: number;
  readonly diskMode: DiskMode;
  readonly diskSizeMib: number;
  readonly retainDiskOnDelete: boolean;
  /** Kernel arguments as they were asked for; of a direct boot all that its image says. */
  readonly bootArgs: string;
  /** `agent`: smolvm's agent is the first process; `direct-kernel`: the image's own init. */
  readonly bootMode: BootImage['bootMode'];
  /** How commands reach the guest. */
  readonly channel: Channel;
  /** Does its image start an SSH server that takes our credentials? */
  readonly sshCapable: boolean;
  readonly backend: string;
  readonly kernelPath: string;
  readonly rootfsPath: string;
  /** Does it end with the process that made it? */
  readonly ephemeral: boolean;
  /** Process id of the VMM, while there is one. */
  readonly pid: number | null;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Record → info. */
export function vmInfo({ vm, status, createdAt }: VmRecord): VmInfo {
  return Object.freeze({
    vmId: vm.vmId,
    state: status.state,
    reason: status.state === 'failed' ? status.reason : null,
    vcpuCount: vm.vcpuCount,
    memSizeMib: vm.memSizeMib,
    diskMode: vm.diskMode,
    diskSizeMib: vm.diskSizeBytes / 1024 / 1024,
    retainDiskOnDelete: vm.retainDiskOnDelete,
    bootArgs: vm.boot.kind === 'direct' ? vm.boot.commandLine : vm.bootArgs,
    bootMode: vm.boot.kind === 'direct' ? 'direct-kernel' : 'agent',
    channel: vm.channel,
    sshCapable: vm.sshCapable,
    backend: vm.backend,
    kernelPath: vm.kernelPath,
    rootfsPath: vm.rootfsPath,
    ephemeral: vm.owner !== null,
    pid: 'vmm' in status ? status.vmm.pid : null,
    createdAt,
  });
}

/** A VM whose record cannot be read. Listed, so that it can be seen and deleted. */
export interface DamagedVm {
  readonly vmId: string;
  readonly state: 'damaged';
  readonly reason: string;
}

/** All VMs, oldest first, then those whose record is damaged. */
export function listVms({ store }: Services): readonly (VmInfo | DamagedVm)[] {
  const { records, damaged } = store.list();
  return [
    ...records.map(vmInfo),
    ...damaged.map(({ vmId, error }) => ({ vmId, state: 'damaged', reason: error.message }) as const),
  ];
}
