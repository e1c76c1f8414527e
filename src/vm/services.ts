import type { ProcessRef } from '../base/process-ref.ts';
import type { HostPaths } from '../spec/file-names.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { StateStore } from '../store/state-store.ts';
import type { ChannelPool } from './channel-pool.ts';

/** All that the operations on VMs may touch. Made once, by `open-host.ts`. */
export interface Services {
  readonly paths: HostPaths;
  /** The folder with the shipped kernel, initrd and base image. */
  readonly assetsFolder: string;
  /** The VMM program that the user named, if any. */
  readonly hypervisorBinary: string | undefined;
  readonly hypervisors: readonly Hypervisor[];
  /** Do guests that boot directly show the kernel's messages? */
  readonly verboseBoot: boolean;
  readonly store: StateStore;
  readonly channels: ChannelPool;
  /** This process: the owner of what it is doing. */
  readonly self: ProcessRef;
  /** What runs behind `exposeLocal`, and the environment in which it finds the same state. */
  readonly forwarderProgram: string;
  readonly sameStateEnv: Readonly<Record<string, string>>;
}
