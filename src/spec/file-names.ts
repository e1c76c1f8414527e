import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** The folders of one smolvm installation. */
export interface HostPaths {
  /** State: database, disks, images. Default `~/.smolvm`. */
  readonly home: string;
  /** Sockets and process references: short, private, gone after a reboot. */
  readonly run: string;
}

/** The files of one VM. */
export interface VmPaths {
  /** Durable: disk, variables and console log. */
  readonly folder: string;
  readonly disk: string;
  /** Says that the disk was kept when its VM was deleted. */
  readonly retainedMarker: string;
  /** Variables for the guest, private; there only if there are some. */
  readonly envFile: string;
  readonly consoleLog: string;
  /** The pinned host key of its SSH server, in the form of OpenSSH; there only if one was pinned. */
  readonly knownHosts: string;
  /** From start to stop only. */
  readonly runFolder: string;
  readonly controlSocket: string;
  readonly vmmRef: string;
  readonly vmmLog: string;
  readonly forwardLog: string;
  /** What the guest sees as its second disk: large transfers go through it. */
  readonly transferArea: string;
  /** One whole argument on the VMM's command line, by which it is found when its starter died too early. */
  readonly marker: string;
  /** The same for the process behind its forwards. */
  readonly forwardMarker: string;
}

/** How many host processes can use one VM at the same time: each takes one port of the control channel. */
export const AGENT_PORT_COUNT = 12;

/** The longest path of a socket on Linux: 108 bytes with the closing NUL (unix(7)). */
export const MAX_SOCKET_PATH_BYTES = 107;

/** The longest socket path below a run folder has this many bytes: `/`, a 64 character id, `/` and `agent-99`. */
export const SOCKET_SUFFIX_BYTES = 1 + 64 + 1 + 8;

export function databasePath(paths: HostPaths): string {
  return join(paths.home, 'smolvm.db');
}

export function imagesFolder(paths: HostPaths): string {
  return join(paths.home, 'images');
}

/** The private key as which this user comes to SSH servers of guests. */
export function clientKeyPath(paths: HostPaths): string {
  return join(paths.home, 'keys', 'id_ed25519');
}

export function vmPaths(paths: HostPaths, vmId: string): VmPaths {
  const folder = join(paths.home, 'vms', vmId);
  const runFolder = join(paths.run, vmId);
  const marker = `smolvm:${homeTag(paths.home)}:${vmId}`;
  return {
    folder,
    disk: join(folder, 'disk.qcow2'),
    retainedMarker: join(folder, 'retained.json'),
    envFile: join(folder, 'env.json'),
    consoleLog: join(folder, 'console.log'),
    knownHosts: join(folder, 'known_hosts'),
    runFolder,
    controlSocket: join(runFolder, 'control'),
    vmmRef: join(runFolder, 'vmm.json'),
    vmmLog: join(runFolder, 'vmm.log'),
    forwardLog: join(runFolder, 'forward.log'),
    transferArea: join(runFolder, 'transfer'),
    marker,
    forwardMarker: `${marker}:forward`,
  };
}

/** The socket of agent port `index`. */
export function agentSocket(vm: VmPaths, index: number): string {
  return join(vm.runFolder, `agent-${String(index)}`);
}

/** Where the process behind the VM's forwards is asked. */
export function forwardSocket(vm: VmPaths): string {
  return join(vm.runFolder, 'forward');
}

/** Tells apart the VMs of different state folders: 10 hexadecimal digits, so that sockets fit below `/run/user/1000`. */
export function homeTag(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 10);
}
