import { isSmolVMError, SmolVMError } from './errors.ts';
import { GuestAccess } from './guest-access.ts';
import { useDisposable } from './base/use-disposable.ts';
import { leaseHost, withHost, type HostLease } from './shared-host.ts';
import { vmPaths } from './spec/file-names.ts';
import {
  parseStartOptions,
  parseStopOptions,
  type CreateOptions,
  type DeleteOptions,
  type StartOptions,
  type StopOptions,
} from './spec/lifecycle-options.ts';
import type { BootImage } from './spec/boot-image.ts';
import { parseImageSpec, type ImageVmOptions } from './spec/image-spec.ts';
import type { VmOptions } from './spec/vm-spec.ts';
import type { VmState } from './spec/vm-record.ts';
import { takesCommands } from './vm/command/open-session.ts';
import { deleteVm } from './vm/delete-vm.ts';
import { findVm } from './vm/find-vm.ts';
import { noNetwork } from './vm/no-network.ts';
import { makeVm, parseNewVm, type ImageUse, type NewVm } from './vm/images/new-vm.ts';
import { pauseVm, resumeVm } from './vm/pause-vm.ts';
import { listRetained, type RetainedDiskInfo } from './vm/retained-disk.ts';
import { reconcileVm } from './vm/reconcile.ts';
import type { Services } from './vm/services.ts';
import { startVm, type StartTimings } from './vm/start-vm.ts';
import { stopVm, type StopOutcome } from './vm/stop-vm.ts';
import { listVms, vmInfo, type DamagedVm, type VmInfo } from './vm/vm-info.ts';

/**
 * A handle to one VM. It remembers nothing but the id: what it tells is read when asked.
 *
 * @example
 * ```ts
 * await using vm = await SmolVM.launch();
 * const result = await vm.run('uname -r');
 * console.log(result.stdout);
 * ```
 */
export class SmolVM extends GuestAccess implements AsyncDisposable {
  readonly vmId: string;
  readonly #lease: HostLease;
  /** Does leaving the scope of the handle delete the VM, or only stop it? */
  readonly #isOwned: boolean;
  #timings: StartTimings | undefined;
  #closed = false;

  private constructor(vmId: string, lease: HostLease, isOwned: boolean) {
    super();
    this.vmId = vmId;
    this.#lease = lease;
    this.#isOwned = isOwned;
  }

  /**
   * Makes a VM that stays until it is deleted, also when this process ends. It is not started.
   *
   * @param machine - a {@link VMConfig}, or options of which any may be left out; `image` is pulled if it is not here
   * @throws INVALID_ARGUMENT, VM_ALREADY_EXISTS, HYPERVISOR_UNAVAILABLE, IMAGE_INVALID, NO_SPACE, PERMISSION_DENIED
   * @example
   * ```ts
   * const vm = await SmolVM.create({ vmId: 'builder', memSizeMib: 1024 });
   * await vm.start();
   * await vm.close(); // the VM goes on
   * ```
   */
  static async create(
    machine: VmOptions & ImageUse & CreateOptions = {},
    options: CreateOptions = {},
  ): Promise<SmolVM> {
    const { signal = options.signal, ...asked } = machine;
    return (await SmolVM.#make(parseNewVm(asked), { ephemeral: false, signal })).vm;
  }

  /**
   * Makes a VM from an image that says how it boots. It stays until it is deleted, and is not started.
   * @throws INVALID_ARGUMENT (also: the image is for another backend or architecture), and what {@link SmolVM.create}
   * throws
   * @example
   * ```ts
   * const image = new BootImage({ name: 'tools', rootfsPath: './tools.ext4', boot: 'agent' });
   * await using vm = await SmolVM.fromImage(image, { memSizeMib: 1024 });
   * await vm.start();
   * ```
   */
  static async fromImage(image: BootImage, options: ImageVmOptions & CreateOptions = {}): Promise<SmolVM> {
    const { signal, ...vmOptions } = options;
    return (await SmolVM.#make({ spec: parseImageSpec(image, vmOptions) }, { ephemeral: false, signal })).vm;
  }

  /**
   * Makes and starts a VM that ends with this process, whatever ends it.
   *
   * @throws what {@link SmolVM.create} and {@link SmolVM.start} throw; then nothing of the VM is left but a
   * disk that was retained before
   * @example
   * ```ts
   * await using vm = await SmolVM.launch({ vcpuCount: 1 });
   * console.log((await vm.run(['echo', 'hello'])).stdout);
   * ```
   */
  static async launch(
    machine: VmOptions & ImageUse & StartOptions = {},
    options: StartOptions = {},
  ): Promise<SmolVM> {
    const { bootTimeoutMs = options.bootTimeoutMs, signal = options.signal, ...asked } = machine;
    const startOptions = { bootTimeoutMs, signal };
    parseStartOptions(startOptions);
    const { vm, reusesDisk } = await SmolVM.#make(parseNewVm(asked), { ephemeral: true, signal });
    try {
      return await vm.start(startOptions);
    } catch (error) {
      // What cannot be removed now is removed by the next `openHost`; the caller learns why the start failed.
      const how = { force: true, retainsDisk: reusesDisk };
      await deleteVm(vm.services(), vm.vmId, how).catch(() => undefined);
      await vm.close();
      throw error;
    }
  }

  /** Launches a VM, gives it to `use`, and stops, deletes and closes it when that has ended, however it has. */
  static async with<T>(
    machine: VmOptions & ImageUse & StartOptions,
    use: (vm: SmolVM) => T | Promise<T>,
    options: StartOptions = {},
  ): Promise<T> {
    return useDisposable(await SmolVM.launch(machine, options), use);
  }

  /**
   * Connects to a VM that exists, also one of another process.
   * @throws INVALID_ARGUMENT, VM_NOT_FOUND, STORE_INVALID
   */
  static async fromId(vmId: string): Promise<SmolVM> {
    const lease = await leaseHost();
    try {
      return new SmolVM(findVm(lease.services, vmId).vm.vmId, lease, false);
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** All VMs of this state folder, oldest first. One whose record is damaged has the state `damaged`. */
  static async list(): Promise<readonly (VmInfo | DamagedVm)[]> {
    return withHost(listVms);
  }

  /** The disks that outlived their VMs by `retainDiskOnDelete`, by id. {@link SmolVM.deleteById} removes one. */
  static async listRetained(): Promise<readonly RetainedDiskInfo[]> {
    return withHost(listRetained);
  }

  /**
   * Deletes a VM by its id, also one whose record is damaged. A running VM is refused unless `force` is true. Where
   * only a retained disk is left of a VM, that disk is removed.
   *
   * @throws INVALID_ARGUMENT, VM_NOT_FOUND, WRONG_STATE, BUSY
   */
  static async deleteById(vmId: string, options: DeleteOptions = {}): Promise<void> {
    return withHost((services) => deleteVm(services, vmId, { force: options.force === true }));
  }

  static async #make(asked: NewVm, how: Parameters<typeof makeVm>[2]) {
    const lease = await leaseHost();
    try {
      const { vmId, reusesDisk } = await makeVm(lease.services, asked, how);
      return { vm: new SmolVM(vmId, lease, true), reusesDisk };
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** The VM's state now. Throws VM_NOT_FOUND once it is deleted. */
  get status(): VmState {
    return this.info.state;
  }

  /** What is known of the VM now. Throws VM_NOT_FOUND once it is deleted. */
  get info(): VmInfo {
    return vmInfo(findVm(this.#lease.services, this.vmId));
  }

  /** The folder with the VM's disk, variables and console log. It is there as long as the VM is. */
  get dataDir(): string {
    return vmPaths(this.#lease.services.paths, this.vmId).folder;
  }

  /** Would {@link SmolVM.run} be taken now? A VM takes commands while it runs, unless its image boots an init of its own. */
  canRunCommands(): boolean {
    return !this.#closed && takesCommands(findVm(this.#lease.services, this.vmId));
  }

  /**
   * The address of the guest. Guests have no network yet, so this always throws NETWORK_UNAVAILABLE; what a guest needs
   * from outside goes in and out by `run`.
   */
  getIp(): string {
    throw noNetwork(this.info.vmId);
  }

  /** Where the time of the last start through this handle went; undefined if it started nothing. */
  get timings(): StartTimings | undefined {
    return this.#timings;
  }

  /**
   * Boots the VM; resolves, with the handle, when it takes commands. A running VM is left as it is, a paused one goes on.
   *
   * @throws VM_NOT_FOUND, WRONG_STATE, BUSY (also: its shared disk is in use), HYPERVISOR_UNAVAILABLE; IMAGE_INVALID
   * (kernel, image or disk is gone or changed), LAUNCH_FAILED, TIMEOUT, ABORTED: then the VM is `failed`, its VMM is gone,
   * and it can be started again
   */
  async start(options: StartOptions = {}): Promise<this> {
    const { bootTimeoutMs } = parseStartOptions(options);
    const how = { bootTimeoutMs, signal: options.signal };
    this.#timings = (await startVm(this.services(), this.vmId, how)) ?? this.#timings;
    return this;
  }

  /**
   * Stops the VM: the guest ends its processes, syncs and powers off; if it has not within the time, it is ended.
   * A VM that does not run is left as it is.
   * @throws VM_NOT_FOUND, BUSY
   */
  async stop(options: StopOptions = {}): Promise<StopOutcome> {
    const { timeoutMs } = parseStopOptions(options);
    return stopVm(this.services(), this.vmId, { timeoutMs });
  }

  /**
   * Halts the guest where it is: its CPUs stand still, its memory stays. Commands that run stand still too, and go on
   * with {@link SmolVM.resume}; new ones are refused. A paused VM is left as it is. Works from any process.
   *
   * @throws VM_NOT_FOUND, WRONG_STATE (it does not run), BUSY, CONTROL_FAILED, TIMEOUT
   */
  async pause(): Promise<this> {
    await pauseVm(this.services(), this.vmId);
    return this;
  }

  /**
   * Lets a paused guest go on. A running VM is left as it is.
   *
   * @throws VM_NOT_FOUND, WRONG_STATE (it is not paused), BUSY, CONTROL_FAILED, TIMEOUT
   */
  async resume(): Promise<this> {
    await resumeVm(this.services(), this.vmId);
    return this;
  }

  /**
   * Removes the VM with its disk, without asking a running guest. With `retainDiskOnDelete` the disk stays, and a
   * running guest is stopped first.
   *
   * @throws VM_NOT_FOUND, WRONG_STATE, BUSY
   */
  async delete(): Promise<void> {
    await deleteVm(this.services(), this.vmId, { force: true });
  }

  /** Looks whether the VM is still what its record says, for instance whether its VMM still lives; returns the truth. */
  async refresh(): Promise<VmInfo> {
    const services = this.services();
    await reconcileVm(services, findVm(services, this.vmId));
    return this.info;
  }

  /** Lets go of the VM, which stays as it is. Closing twice is fine. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#lease.release();
  }

  /**
   * Leaving a scope: stops the VM if it runs, deletes it if this handle made it, and closes the handle, once each in that
   * order. Leaving twice is fine, and so is a VM that somebody else has deleted.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    try {
      await this.stop();
      if (this.#isOwned) await this.delete();
    } catch (error) {
      if (!isSmolVMError(error, 'VM_NOT_FOUND')) throw error;
    } finally {
      await this.close();
    }
  }

  protected services(): Services {
    if (!this.#closed) return this.#lease.services;
    throw new SmolVMError('WRONG_STATE', `this handle of VM '${this.vmId}' is closed`, {
      hint: 'Connect again: SmolVM.fromId(vmId)',
    });
  }
}
