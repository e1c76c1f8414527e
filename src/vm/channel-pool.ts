import type { ProcessRef } from '../base/process-ref.ts';
import { Deadline } from '../base/deadline.ts';
import { orAborted, poll } from '../base/poll.ts';
import { SmolVMError } from '../errors.ts';
import { openAgentChannel } from '../guest/agent/agent-channel.ts';
import type { GuestChannel } from '../guest/guest-channel.ts';
import { CHANNELS, type Channel } from '../spec/channel.ts';
import { AGENT_PORT_COUNT, agentSocket, vmPaths, type HostPaths } from '../spec/file-names.ts';
import { TransferArea } from '../guest/transfer-area.ts';
import { areaOffset } from '../spec/transfer-area.ts';
import type { StateStore } from '../store/state-store.ts';
import { openVmSsh, type SshGround } from './ssh/open-vm-ssh.ts';

/** How often a free port is looked for while other processes hold all of them. */
const PORT_RETRY_MS = 20;

/** A session, or the attempt to open one, which can be given up. */
interface Opening {
  readonly channel: Promise<GuestChannel>;
  readonly attempt: Deadline;
  opened: GuestChannel | undefined;
}

function keyOf(via: Channel, vmId: string): string {
  return `${via} ${vmId}`;
}

/** This process's sessions with guests: at most one for a VM and channel, opened when first used, shared by all callers. */
export class ChannelPool {
  readonly #store: StateStore;
  readonly #paths: HostPaths;
  readonly #self: ProcessRef;
  readonly #assetsFolder: string;
  /** By channel and id. */
  readonly #open = new Map<string, Opening>();

  constructor({ store, paths, assetsFolder }: SshGround, self: ProcessRef) {
    this.#store = store;
    this.#paths = paths;
    this.#assetsFolder = assetsFolder;
    this.#self = self;
  }

  /** The session with a VM if it is open now. */
  opened(vmId: string): GuestChannel | undefined {
    return this.#open.get(keyOf(this.#channelOf(vmId), vmId))?.opened;
  }

  /**
   * The session with a VM, by the channel that it was made with and no other. Waits for a free port and for the guest,
   * until the signal aborts.
   */
  async get(vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    return this.#get(this.#channelOf(vmId), vmId, signal);
  }

  /** The session with the agent of a VM, whatever its channel: for its start and end, never for a command. */
  async getAgent(vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    return this.#get('agent', vmId, signal);
  }

  #channelOf(vmId: string): Channel {
    return this.#store.find(vmId)?.vm.channel ?? 'agent';
  }

  async #get(via: Channel, vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    for (;;) {
      const shared = this.#open.get(keyOf(via, vmId))?.channel;
      if (shared === undefined) return this.#openFor(via, vmId, signal);
      try {
        return await orAborted(shared, signal);
      } catch {
        // Whoever opened it gave up or failed; that is not our failure yet, so this caller tries for itself.
        signal.throwIfAborted();
      }
    }
  }

  /** Ends the sessions with a VM, if there are any. */
  async close(vmId: string): Promise<void> {
    await Promise.all(CHANNELS.map((via) => this.closeOne(via, vmId)));
  }

  /** Ends the session with a VM by one of the channels. */
  async closeOne(via: Channel, vmId: string): Promise<void> {
    const key = keyOf(via, vmId);
    const opening = this.#open.get(key);
    this.#open.delete(key);
    opening?.attempt.cancel(new SmolVMError('ABORTED', `the connection to VM '${vmId}' was given up`));
    const channel = await opening?.channel.catch(() => undefined);
    await channel?.[Symbol.asyncDispose]();
  }

  /** Ends all sessions. */
  async closeAll(): Promise<void> {
    const ids = [...this.#open.keys()].map((key) => key.slice(key.indexOf(' ') + 1));
    await Promise.all(ids.map((vmId) => this.close(vmId)));
  }

  #openFor(via: Channel, vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    const attempt = new Deadline(`connect to VM '${vmId}'`, Infinity, signal);
    const channel = via === 'ssh' ? this.#ssh(vmId, attempt.signal) : this.#lease(vmId, attempt.signal);
    const opening: Opening = { channel, attempt, opened: undefined };
    const key = keyOf(via, vmId);
    this.#open.set(key, opening);
    const forget = (): void => {
      if (this.#open.get(key) === opening) this.#open.delete(key);
    };
    const settled = (): void => {
      attempt[Symbol.dispose]();
    };
    channel.then(settled, settled);
    channel.then((opened) => {
      opening.opened = opened;
      return opened.closed.then(forget);
    }, forget);
    return channel;
  }

  #ssh(vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    const ground = { store: this.#store, paths: this.#paths, assetsFolder: this.#assetsFolder };
    return openVmSsh(ground, vmId, signal);
  }

  async #lease(vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    const port = await this.#leasePort(vmId, signal);
    const release = (): void => {
      this.#store.releasePort(vmId, port, this.#self);
    };
    try {
      const paths = vmPaths(this.#paths, vmId);
      const area = new TransferArea(paths.transferArea, areaOffset(port));
      const channel = await openAgentChannel(agentSocket(paths, port), signal, area);
      // The next session on this port gets the area too: nothing of ours may still be on its way there.
      // A lease that cannot be given back now is free as soon as this process has ended.
      channel.closed
        .then(() => area.close())
        .finally(release)
        .catch(() => undefined);
      return channel;
    } catch (error) {
      release();
      throw error;
    }
  }

  async #leasePort(vmId: string, signal: AbortSignal): Promise<number> {
    const waiting = { forPort: false };
    try {
      return await poll(
        () => {
          const port = this.#store.leasePort(vmId, this.#self, AGENT_PORT_COUNT);
          waiting.forPort ||= port === undefined;
          return port;
        },
        PORT_RETRY_MS,
        signal,
      );
    } catch (error) {
      if (!waiting.forPort) throw error;
      throw new SmolVMError(
        'BUSY',
        `all ${String(AGENT_PORT_COUNT)} connections to VM '${vmId}' are used by other processes`,
        {
          hint: 'Wait until one of them ends, or close the handles that are not needed.',
          cause: error,
        },
      );
    }
  }
}
