import type { ResolvedVm } from '../../src/spec/vm-record.ts';

/** A VM for the state store; none of its files exists. */
export function resolvedVm(vmId: string): ResolvedVm {
  return {
    vmId,
    vcpuCount: 2,
    memSizeMib: 512,
    backend: 'qemu',
    kernelPath: '/images/kernel',
    initrdPath: '/images/initrd',
    rootfsPath: '/images/root',
    bootArgs: '',
    boot: { kind: 'agent' },
    defaults: null,
    channel: 'agent',
    sshCapable: false,
    diskMode: 'isolated',
    retainDiskOnDelete: false,
    diskSizeBytes: 1_048_576,
    imageIdentity: null,
    owner: null,
  };
}
