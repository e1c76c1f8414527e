import type { BackendName } from '../spec/backend-names.ts';
import type { ResolvedVm } from '../spec/vm-record.ts';

/** What this host can do with a backend, or why it cannot and what would help. */
export type Support = Supported | { readonly ok: false; readonly reason: string; readonly hint: string };

/** A usable VMM. */
export interface Supported {
  readonly ok: true;
  readonly binary: string;
  readonly version: string;
  readonly acceleration: Acceleration;
}

/** Hardware virtualization, or emulation and the reason for it. Emulation is slow and no hardware boundary. */
export type Acceleration =
  | { readonly kind: 'hardware' }
  | { readonly kind: 'emulated'; readonly reason: string; readonly hint: string };

/** What a probe may use. Facts are remembered between processes and may be lost at any time. */
export interface HostProbe {
  readonly fact: (key: string) => string | undefined;
  readonly setFact: (key: string, value: string) => void;
  /** A kernel to try acceleration with. */
  readonly kernelPath: string;
  /** The VMM program to use instead of the one on PATH, if the user named one. */
  readonly binary: string | undefined;
  readonly signal: AbortSignal;
}

/** What the guest sees as its root disk, with the format of each file: nothing is ever guessed from their bytes. */
export type BootDisk =
  /** A qcow2 file over a raw image, which is only read. `mayBeLost`: need it not survive a power cut of the host? */
  | {
      readonly kind: 'overlay';
      readonly path: string;
      readonly imagePath: string;
      readonly mayBeLost: boolean;
    }
  /** A raw image, written as it is. */
  | { readonly kind: 'image'; readonly path: string };

/** What lets this host, and nothing else, reach the SSH server of a guest. */
export interface SshBoot {
  /** On 127.0.0.1; it leads to port 22 of the guest. */
  readonly hostPort: number;
  /** Whose owner root lets in: `TYPE BASE64`. */
  readonly publicKey: string;
}

/** One boot, complete: a backend turns it into a {@link LaunchPlan} without looking at anything else. */
export interface BootRequest {
  readonly vm: ResolvedVm;
  readonly support: Supported;
  readonly disk: BootDisk;
  /** A raw file that the guest sees as its second disk, with the serial number `AREA_SERIAL`. Its bytes may be lost. */
  readonly transferArea: string;
  readonly controlSocket: string;
  /** One socket for each port of the control channel. */
  readonly agentSockets: readonly string[];
  /** One whole argument by which the process is found. */
  readonly marker: string;
  readonly ssh: SshBoot | null;
}

/** One command to start, as data. */
export interface LaunchPlan {
  readonly argv: readonly [string, ...string[]];
  /** Sockets that the VMM makes, in the order in which it makes them; the first is the control socket. */
  readonly sockets: readonly [string, ...string[]];
}

/** A line to a running VMM. One process at a time can hold it; others wait. */
export interface VmControl extends Disposable {
  /** Resolves with a reason once the guest has ended, or the line is lost. */
  readonly guestEnded: Promise<string>;
  /** From now on the VMM ends with its guest; until then it waits, so that the console can be read. */
  endWithGuest(signal: AbortSignal): Promise<void>;
  /** Halts the guest's CPUs. A guest that is halted stays so. */
  pause(signal: AbortSignal): Promise<void>;
  /** Lets them go on. A guest that is not halted is left as it is. */
  resume(signal: AbortSignal): Promise<void>;
  /** Takes what the guest has written to its console since the last call, at most the newest 256 KiB. */
  takeConsole(signal: AbortSignal): Promise<Uint8Array>;
}

/** The whole backend contract. A backend plans, it does not act: `launch.ts` does. */
export interface Hypervisor {
  readonly name: BackendName;
  probe(host: HostProbe): Promise<Support>;
  /** What the VMM's log says if it ended because the port for SSH was taken. */
  readonly portTakenSign: string;
  /** Pure. */
  plan(boot: BootRequest): LaunchPlan;
  /** Connects to a running VMM, also one that another process started. */
  control(socketPath: string, signal: AbortSignal): Promise<VmControl>;
}
