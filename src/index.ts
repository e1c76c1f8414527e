// The public names, each listed by hand.
export { SmolVM } from './smolvm.ts';
export type { CreateOptions, DeleteOptions, StartOptions, StopOptions } from './spec/lifecycle-options.ts';
export { SSH_BOOT_ARGS } from './spec/boot-args.ts';
export { BootImage } from './spec/boot-image.ts';
export type { BootImageFields } from './spec/boot-image-fields.ts';
export {
  DirectKernelBoot,
  type DirectKernelBootFields,
  type RenderTarget,
} from './spec/direct-kernel-boot.ts';
export type { ImageConfig } from './spec/image-config.ts';
export type { ImageVmOptions } from './spec/image-spec.ts';
export { VMConfig, type VMConfigFields } from './spec/vm-config.ts';
export {
  CommandExecutionUnavailableError,
  ERROR_CODES,
  ImageError,
  isSmolVMError,
  OperationTimeoutError,
  SmolVMError,
  ValidationError,
  VMAlreadyExistsError,
  VMNotFoundError,
  type ErrorCode,
} from './errors.ts';
export { escapeText } from './base/escape-text.ts';
export { doctor } from './doctor.ts';
export type { DoctorCheck } from './vm/doctor.ts';
export type { VmOptions } from './spec/vm-spec.ts';
export type { VmState } from './spec/vm-record.ts';
export type { Acceleration } from './hypervisor/hypervisor.ts';
export { GuestProcess } from './vm/command/guest-process.ts';
export type { CommandInput } from './vm/command/supervise.ts';
export type { CommandOutcome } from './vm/command/command-outcome.ts';
export type { CommandResult } from './vm/command/command-result.ts';
export type { OutputChunk } from './vm/command/command-output.ts';
export type { RunOptions, SpawnOptions } from './vm/command/run-options.ts';
export type { AttachOptions } from './vm/command/spawn-command.ts';
export type { GuestEntry } from './guest/agent/tools/entries.ts';
export type { CopyOptions, DownloadOptions } from './vm/files/copy.ts';
export { GuestFiles, type FileOptions, type ReadOptions, type WriteOptions } from './vm/files/guest-files.ts';
export type { EnvOptions } from './vm/files/env-vars.ts';
export type { ExposeOptions } from './vm/ports/expose.ts';
export type { Forward } from './vm/ports/forward-messages.ts';
export type { WaitForPortsOptions } from './vm/ports/wait-for-ports.ts';
export type { DetachedCommand, TerminalSize } from './guest/guest-channel.ts';
export type { StartTimings } from './vm/start-vm.ts';
export type { StopOutcome } from './vm/stop-vm.ts';
export type { RetainedDiskInfo } from './vm/retained-disk.ts';
export type { DamagedVm, VmInfo } from './vm/vm-info.ts';
