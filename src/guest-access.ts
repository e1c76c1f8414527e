import type { DetachedCommand } from './guest/guest-channel.ts';
import { forgetDetached, listDetached } from './vm/command/detached.ts';
import type { CommandResult } from './vm/command/command-result.ts';
import type { GuestProcess } from './vm/command/guest-process.ts';
import { runCommand } from './vm/command/run-command.ts';
import type { RunOptions, SpawnOptions } from './vm/command/run-options.ts';
import { attachToCommand, spawnCommand, type AttachOptions } from './vm/command/spawn-command.ts';
import { listEnvVars, setEnvVars, unsetEnvVars, type EnvOptions } from './vm/files/env-vars.ts';
import { download, upload, type CopyOptions, type DownloadOptions } from './vm/files/copy.ts';
import { GuestFiles } from './vm/files/guest-files.ts';
import { exposeLocal, listExposed, unexposeLocal, type ExposeOptions } from './vm/ports/expose.ts';
import type { Forward } from './vm/ports/forward-messages.ts';
import { openSession } from './vm/command/open-session.ts';
import type { Connect } from './vm/files/run-tool.ts';
import { waitForPorts, type WaitForPortsOptions } from './vm/ports/wait-for-ports.ts';
import { readConsole } from './vm/console-log.ts';
import type { Services } from './vm/services.ts';

/** What can be done in the guest of a running VM, and what it has said. */
export abstract class GuestAccess {
  abstract readonly vmId: string;
  #files: GuestFiles | undefined;
  readonly #connect: Connect = (signal) => openSession(this.services(), this.vmId, signal);

  /** What the operations need. @throws WRONG_STATE once the handle is closed */
  protected abstract services(): Services;

  /**
   * Runs a command to its end. A string goes to the login shell of the guest (`/bin/sh -lc`), an array is program and
   * arguments as they are. An exit code other than 0 is a result.
   *
   * @throws INVALID_ARGUMENT, COMMAND_UNAVAILABLE (the VM does not run), COMMAND_NOT_STARTED, TIMEOUT, ABORTED (the
   * command was killed in both), VM_EXITED
   * @example
   * ```ts
   * const { exitCode, stdout } = await vm.run(['cat'], { input: 'hello', timeoutMs: 5_000 });
   * ```
   */
  async run(command: string | readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return runCommand(this.services(), this.vmId, command, options);
  }

  /**
   * Starts a command and returns its handle at once: await it for the result, iterate it for the output, or use its
   * streams. The command ends with this handle's session, unless it is detached.
   *
   * @throws INVALID_ARGUMENT; all else is told by the handle
   * @example
   * ```ts
   * const shell = vm.spawn(['sh'], { stdin: true });
   * shell.stdin?.end('echo $((6 * 7))');
   * const { stdout } = await shell;
   * ```
   */
  spawn(command: string | readonly string[], options: SpawnOptions = {}): GuestProcess {
    return spawnCommand(this.services(), this.vmId, command, options);
  }

  /**
   * Takes up a detached command, also one of another process: its output from a cursor on, its input, its end. One
   * reader at a time: a second one takes over, and the first one's handle ends with `outcomeUnknown`.
   *
   * @throws INVALID_ARGUMENT; the handle rejects with COMMAND_NOT_FOUND if the guest knows no such command
   */
  attach(execId: string, options: AttachOptions = {}): GuestProcess {
    return attachToCommand(this.services(), this.vmId, execId, options);
  }

  /** The detached commands that the guest knows, running or ended, oldest first (at most 32). */
  async listDetached(signal?: AbortSignal): Promise<readonly DetachedCommand[]> {
    return listDetached(this.services(), this.vmId, signal);
  }

  /** Lets the guest forget a detached command that has ended. @throws COMMAND_NOT_FOUND, INVALID_ARGUMENT (it runs) */
  async forgetDetached(execId: string, signal?: AbortSignal): Promise<void> {
    return forgetDetached(this.services(), this.vmId, execId, signal);
  }

  /** The newest console output of the VM, at most 1 MiB. Bytes of the guest: escape them before showing. */
  async readConsole(signal?: AbortSignal): Promise<Uint8Array> {
    return readConsole(this.services(), this.vmId, signal);
  }

  /** The files of the running VM. */
  get files(): GuestFiles {
    return (this.#files ??= new GuestFiles(this.#connect));
  }

  /**
   * Copies a file of this host into the VM; it appears there whole, with its mode and time.
   *
   * @param guestPath - absolute; one that ends in a slash is a folder that takes the file under its own name
   * @returns the guest path of the copy
   * @throws INVALID_ARGUMENT, GUEST_FILE_FAILED, ABORTED
   */
  async uploadFile(localPath: string, guestPath: string, options: CopyOptions = {}): Promise<string> {
    return upload(this.#connect, { localPath, guestPath, kind: 'file' }, options);
  }

  /** Copies a folder and all in it into the VM. A folder that is there takes the new entries beside its own. */
  async uploadFolder(localPath: string, guestPath: string, options: CopyOptions = {}): Promise<string> {
    return upload(this.#connect, { localPath, guestPath, kind: 'folder' }, options);
  }

  /**
   * Copies a file of the VM to this host; it appears whole, with its permissions (without set-user-id) and time.
   *
   * @param localPath - a folder, or a path that ends in a slash, takes the file under its own name
   * @returns the absolute path of the copy
   * @throws INVALID_ARGUMENT, GUEST_FILE_FAILED, ABORTED
   */
  async downloadFile(guestPath: string, localPath: string, options: DownloadOptions = {}): Promise<string> {
    return download(this.#connect, { localPath, guestPath, kind: 'file' }, options);
  }

  /** Copies a folder of the VM to this host. Symlinks in it are made as they are and never followed. */
  async downloadFolder(guestPath: string, localPath: string, options: DownloadOptions = {}): Promise<string> {
    return download(this.#connect, { localPath, guestPath, kind: 'folder' }, options);
  }

  /**
   * Sets environment variables for the login shells of root, those of `run(string)` too, from the next one on. They
   * stand in `/etc/profile.d/smolvm_env.sh` (0600) of the guest and stay over a restart.
   *
   * @param options - `merge: false` drops the variables that are not named; default true
   * @returns the names that are set now, sorted
   * @throws INVALID_ARGUMENT, GUEST_FILE_FAILED, COMMAND_UNAVAILABLE
   */
  async setEnvVars(
    variables: Readonly<Record<string, string>>,
    options: EnvOptions & { readonly merge?: boolean | undefined } = {},
  ): Promise<readonly string[]> {
    return setEnvVars(this.files, variables, options);
  }

  /** Removes environment variables; returns the old values of those that were set. */
  async unsetEnvVars(
    names: readonly string[],
    options: EnvOptions = {},
  ): Promise<Readonly<Record<string, string>>> {
    return unsetEnvVars(this.files, names, options);
  }

  /** The environment variables that are set by `envVars` and `setEnvVars`. */
  async listEnvVars(options: EnvOptions = {}): Promise<Readonly<Record<string, string>>> {
    return listEnvVars(this.files, options);
  }

  /**
   * Waits until something listens on each of the guest's TCP ports, on any of its addresses.
   *
   * @param ports - 1 to 65535, at most 64 of them
   * @throws INVALID_ARGUMENT, TIMEOUT, ABORTED, COMMAND_UNAVAILABLE
   */
  async waitForPorts(ports: readonly number[], options: WaitForPortsOptions = {}): Promise<void> {
    await waitForPorts(this.#connect, ports, options);
  }

  /**
   * Leads a TCP port of this host to one of the guest, also to services that listen on the guest's loopback only. It
   * stays, for all processes, until it is closed or the VM stops.
   *
   * @param guestPort - 1 to 65535; nothing needs to listen there yet
   * @param hostPort - exactly this port, or an error; left out: a free one
   * @returns what is forwarded
   * @throws INVALID_ARGUMENT, COMMAND_UNAVAILABLE (the VM does not run), PORT_UNAVAILABLE
   * @example
   * ```ts
   * const { hostPort } = await vm.exposeLocal(8080);
   * const page = await fetch(`http://127.0.0.1:${hostPort}/`);
   * ```
   */
  async exposeLocal(guestPort: number, hostPort?: number, options: ExposeOptions = {}): Promise<Forward> {
    return exposeLocal(this.services(), this.vmId, { guestPort, hostPort }, options);
  }

  /** Closes forwards to a guest port, those of other processes too; returns those that there were. */
  async unexposeLocal(
    guestPort: number,
    hostPort?: number,
    options: ExposeOptions = {},
  ): Promise<readonly Forward[]> {
    return unexposeLocal(this.services(), this.vmId, { guestPort, hostPort }, options);
  }

  /** The forwards of this VM, of all processes. */
  async listExposed(): Promise<readonly Forward[]> {
    return listExposed(this.services(), this.vmId);
  }
}
