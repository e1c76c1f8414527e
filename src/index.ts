// The public names, each listed by hand.
export { SmolVM } from './smolvm.ts';
export type { CreateOptions, DeleteOptions, StartOptions, StopOptions } from './spec/lifecycle-options.ts';
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
export type { CommandResult } from './vm/command-result.ts';
export type { RunOptions } from './vm/run-command.ts';
export type { StartTimings } from './vm/start-vm.ts';
export type { StopOutcome } from './vm/stop-vm.ts';
export type { RetainedDiskInfo } from './vm/retained-disk.ts';
export type { DamagedVm, VmInfo } from './vm/vm-info.ts';
