import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from '../base/deadline.ts';
import { escapeText } from '../base/escape-text.ts';
import { orAborted } from '../base/poll.ts';
import { untilSettled } from '../base/process-demand.ts';
import type { Stopwatch } from '../base/stopwatch.ts';
import { SmolVMError } from '../errors.ts';
import type { GuestChannel } from '../guest/guest-channel.ts';
import type { Hypervisor, VmControl } from '../hypervisor/hypervisor.ts';
import type { VmBoot } from '../spec/vm-record.ts';
import { bootFailure, vmmEndedError, type FailedBoot } from './boot-failure.ts';
import type { Services } from './services.ts';

/** A VMM that was just started. */
export interface BootingVm extends FailedBoot {
  readonly services: Services;
  readonly hypervisor: Hypervisor;
  readonly boot: VmBoot;
  readonly watch: Stopwatch;
  readonly signal: AbortSignal;
}

/** Who answers in a guest that is up: smolvm's agent, or nobody, for an image with an init of its own. */
export type Answerer = 'agent' | 'nobody';

/**
 * Waits until the guest takes commands, or, if it has an init of its own, is settled. Whatever ends the wait first
 * decides: the guest's hello, the end of the guest or of the VMM, the deadline. A failure carries the last words of the
 * console and of the VMM.
 */
export async function awaitGuest(boot: BootingVm): Promise<Answerer> {
  using waiting = new Deadline('connect to the VMM', Infinity, boot.signal);
  const controlling = boot.hypervisor.control(boot.paths.controlSocket, waiting.signal);
  controlling.catch(() => undefined);
  const vmmEnded = boot.launched.ended.then((how) => {
    throw vmmEndedError(how);
  });
  const guestEnded = controlling.then(async (control) => {
    throw new SmolVMError(
      'LAUNCH_FAILED',
      `the guest ended before it was ready: ${await control.guestEnded}`,
      { hint: boot.boot.kind === 'direct' ? OWN_INIT_HINT : undefined },
    );
  });
  const ready = becomeReady(boot, controlling);
  for (const outcome of [vmmEnded, guestEnded, ready]) outcome.catch(() => undefined);
  try {
    return await orAborted(Promise.race([vmmEnded, guestEnded, ready]), boot.signal);
  } catch (error) {
    throw await bootFailure(boot, controlling, error);
  } finally {
    // A socket that has not appeared by now is no longer waited for.
    waiting.cancel(new SmolVMError('ABORTED', 'the boot is over'));
    void controlling
      .then((control) => {
        control[Symbol.dispose]();
      })
      .catch(() => undefined);
  }
}

const OWN_INIT_HINT =
  'It boots the init of its image: is what init= names there, executable, and does it never end? ' +
  "With boot: 'agent' an image needs no init.";

async function becomeReady(boot: BootingVm, controlling: Promise<VmControl>): Promise<Answerer> {
  const { services, vmId, watch, signal } = boot;
  const opening = services.channels.get(vmId, signal);
  opening.catch(() => undefined);
  const control = await controlling;
  watch.mark('vmm');
  const channel = await (boot.boot.kind === 'agent' ? opening : unlessSettled(boot, opening));
  watch.mark('guest');
  if (channel === 'nobody') {
    await services.channels.close(vmId);
    await control.endWithGuest(signal);
    return 'nobody';
  }
  requireRoot(channel);
  await Promise.all([channel.setTime(signal), control.endWithGuest(signal)]);
  return 'agent';
}

/**
 * No event tells that a kernel has begun to run an init that we do not know. But a kernel that boots is at work, and one
 * that finds no init panics at once: a guest that has come to rest, or has been at work for very long, runs its init.
 */
const SETTLED = { windowMs: 500, maxCpuMs: 50, busyMs: 15_000 };

/** Where the host does not tell what a process asks for. */
const SURELY_SETTLED_MS = 5_000;

/** The session with the agent, if one answers before the guest has settled without. */
async function unlessSettled(
  { launched, signal }: BootingVm,
  opening: Promise<GuestChannel>,
): Promise<GuestChannel | 'nobody'> {
  using watching = new Deadline('watch the guest', Infinity, signal);
  const settling = untilSettled(launched.vmm.pid, SETTLED, watching.signal).then(async (isKnown) => {
    if (!isKnown) await sleep(SURELY_SETTLED_MS, undefined, { signal: watching.signal });
    return 'nobody' as const;
  });
  settling.catch(() => undefined);
  try {
    return await Promise.race([opening, settling]);
  } finally {
    watching.cancel(new SmolVMError('ABORTED', 'the boot is decided'));
  }
}

function requireRoot({ info }: GuestChannel): void {
  if (info.rootError === '') return;
  throw new SmolVMError(
    'LAUNCH_FAILED',
    `the guest cannot use its root disk: ${escapeText(info.rootError)}`,
    {
      hint: 'The image must be an ext4 file system without partitions.',
    },
  );
}
