import { Deadline } from '../base/deadline.ts';
import { escapeText } from '../base/escape-text.ts';
import { orAborted } from '../base/poll.ts';
import type { Stopwatch } from '../base/stopwatch.ts';
import { SmolVMError } from '../errors.ts';
import type { GuestChannel } from '../guest/guest-channel.ts';
import type { Hypervisor, VmControl } from '../hypervisor/hypervisor.ts';
import { bootFailure, vmmEndedError, type FailedBoot } from './boot-failure.ts';
import type { Services } from './services.ts';

/** A VMM that was just started. */
export interface BootingVm extends FailedBoot {
  readonly services: Services;
  readonly hypervisor: Hypervisor;
  readonly watch: Stopwatch;
  readonly signal: AbortSignal;
}

/**
 * Waits until the guest takes commands. Whatever ends the wait first decides: the guest's hello, the end of the guest or
 * of the VMM, the deadline. A failure carries the last words of the console and of the VMM.
 */
export async function awaitGuest(boot: BootingVm): Promise<void> {
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
    );
  });
  const ready = becomeReady(boot, controlling);
  for (const outcome of [vmmEnded, guestEnded, ready]) outcome.catch(() => undefined);
  try {
    await orAborted(Promise.race([vmmEnded, guestEnded, ready]), boot.signal);
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

async function becomeReady(boot: BootingVm, controlling: Promise<VmControl>): Promise<void> {
  const { services, vmId, watch, signal } = boot;
  const opening = services.channels.get(vmId, signal);
  opening.catch(() => undefined);
  const control = await controlling;
  watch.mark('vmm');
  const channel = await opening;
  watch.mark('guest');
  requireRoot(channel);
  await Promise.all([channel.setTime(signal), control.endWithGuest(signal)]);
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
