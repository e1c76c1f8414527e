import type { ProcessRef } from '../base/process-ref.ts';
import { Deadline } from '../base/deadline.ts';
import { orAborted, poll } from '../base/poll.ts';
import { SmolVMError } from '../errors.ts';
import { openAgentChannel } from '../guest/agent/agent-channel.ts';
import type { GuestChannel } from '../guest/guest-channel.ts';
import { AGENT_PORT_COUNT, agentSocket, vmPaths, type HostPaths } from '../spec/file-names.ts';
import { TransferArea } from '../guest/transfer-area.ts';
import { areaOffset } from '../spec/transfer-area.ts';
import type { StateStore } from '../store/state-store.ts';

/** How often a free port is looked for while other processes hold all of them. */
const PORT_RETRY_MS = 20;

/** A session, or the attempt to open one, which can be given up. */
interface Opening {
  readonly channel: Promise<GuestChannel>;
  readonly attempt: Deadline;
  opened: GuestChannel | undefined;
}

/** This process's sessions with guests: at most one for a VM, opened when first used, shared by all callers. */
export class ChannelPool {
  readonly #store: StateStore;
  readonly #paths: HostPaths;
  readonly #self: ProcessRef;
  readonly #open = new Map<string, Opening>();

  constructor(store: StateStore, paths: HostPaths, self: ProcessRef) {
    this.#store = store;
    this.#paths = paths;
    this.#self = self;
  }

  /** The session with a VM if it is open now. */
  opened(vmId: string): GuestChannel | undefined {
    return this.#open.get(vmId)?.opened;
  }

  /** The session with a VM. Waits for a free port and for the guest, until the signal aborts. */
  async get(vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    for (;;) {
      const shared = this.#open.get(vmId)?.channel;
      if (shared === undefined) return this.#openFor(vmId, signal);
      try {
        return await orAborted(shared, signal);
      } catch {
        // Whoever opened it gave up or failed; that is not our failure yet, so this caller tries for itself.
        signal.throwIfAborted();
      }
    }
  }

  /** Ends the session with a VM, if there is one. */
  async close(vmId: string): Promise<void> {
    const opening = this.#open.get(vmId);
    this.#open.delete(vmId);
    opening?.attempt.cancel(new SmolVMError('ABORTED', `the connection to VM '${vmId}' was given up`));
    const channel = await opening?.channel.catch(() => undefined);
    await channel?.[Symbol.asyncDispose]();
  }

  /** Ends all sessions. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((vmId) => this.close(vmId)));
  }

  #openFor(vmId: string, signal: AbortSignal): Promise<GuestChannel> {
    const attempt = new Deadline(`connect to VM '${vmId}'`, Infinity, signal);
    const channel = this.#lease(vmId, attempt.signal);
    const opening: Opening = { channel, attempt, opened: undefined };
    this.#open.set(vmId, opening);
    const forget = (): void => {
      if (this.#open.get(vmId) === opening) this.#open.delete(vmId);
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
        .then(release)
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
