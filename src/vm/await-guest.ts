import { Deadline } from '../base/deadline.ts';
import { escapeText } from '../base/escape-text.ts';
import { orAborted } from '../base/poll.ts';
import type { Stopwatch } from '../base/stopwatch.ts';
import { errnoOf, isSmolVMError, OperationTimeoutError, SmolVMError } from '../errors.ts';
import type { GuestChannel } from '../guest/guest-channel.ts';
import type { Hypervisor, VmControl } from '../hypervisor/hypervisor.ts';
import { lastLogLines, type Launched } from '../hypervisor/launch.ts';
import type { VmPaths } from '../spec/file-names.ts';
import { saveConsole } from './console-log.ts';
import type { Services } from './services.ts';

/** A VMM that was just started. */
export interface BootingVm {
  readonly services: Services;
  readonly hypervisor: Hypervisor;
  readonly paths: VmPaths;
  readonly vmId: string;
  readonly launched: Launched;
  readonly watch: Stopwatch;
  readonly signal: AbortSignal;
}

/** How long a VMM whose guest failed may take to hand over the console. */
const POST_MORTEM_MS = 1_000;

/** How much of the console a failed boot shows. */
const SHOWN_CONSOLE_CHARS = 1_500;

/**
 * Waits until the guest takes commands. Whatever ends the wait first decides: the guest's hello, the end of the guest or
 * of the VMM, the deadline. A failure carries the last words of the console and of the VMM.
 */
export async function awaitGuest(boot: BootingVm): Promise<void> {
  const controlling = boot.hypervisor.control(boot.paths.controlSocket, boot.signal);
  controlling.catch(() => undefined);
  const vmmEnded = boot.launched.ended.then((how) => {
    throw new SmolVMError('LAUNCH_FAILED', `the VMM ended before the guest was ready: ${how}`);
  });
  const guestEnded = controlling.then(async (control) => {
    throw new SmolVMError('LAUNCH_FAILED', `the guest ended before it was ready: ${await control.guestEnded}`);
  });
  const ready = becomeReady(boot, controlling);
  for (const outcome of [vmmEnded, guestEnded, ready]) outcome.catch(() => undefined);
  try {
    await orAborted(Promise.race([vmmEnded, guestEnded, ready]), boot.signal);
  } catch (error) {
    throw await explain(boot, controlling, error);
  } finally {
    void controlling.then((control) => {
      control[Symbol.dispose]();
    }).catch(() => undefined);
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
  throw new SmolVMError('LAUNCH_FAILED', `the guest cannot use its root disk: ${escapeText(info.rootError)}`, {
    hint: 'The image must be an ext4 file system without partitions.',
  });
}

/** The failure with what the console and the VMM's log say about it. */
async function explain(boot: BootingVm, controlling: Promise<VmControl>, error: unknown): Promise<unknown> {
  if (isSmolVMError(error) && error.code !== 'LAUNCH_FAILED' && error.code !== 'TIMEOUT') return error;
  if (errnoOf(error) !== undefined) return error;
  const console = (await lastConsole(boot, controlling)).slice(-SHOWN_CONSOLE_CHARS);
  const log = lastLogLines(boot.paths.vmmLog);
  const note = [log === '' ? '' : `\nThe VMM said:\n${log}`, console === '' ? '' : `\nThe console ends with:\n${console}`].join('');
  const hint = (isSmolVMError(error) ? error.hint : undefined) ?? `See the whole console: smolvm logs ${boot.vmId}`;
  const options = { hint, details: { vmId: boot.vmId, console, log }, cause: error };
  if (error instanceof OperationTimeoutError) {
    return new OperationTimeoutError(error.operation, error.timeoutMs, note, options);
  }
  return new SmolVMError('LAUNCH_FAILED', (error instanceof Error ? error.message : String(error)) + note, options);
}

async function lastConsole(boot: BootingVm, controlling: Promise<VmControl>): Promise<string> {
  using deadline = new Deadline('read the console of a failed boot', POST_MORTEM_MS);
  try {
    const control = await orAborted(controlling, deadline.signal);
    const log = await saveConsole(boot.paths, control, deadline.signal);
    return escapeText(log.toString('utf8').trim().replaceAll('\r', ''), { keepLines: true });
  } catch (error) {
    // The VMM is gone or mute, so there is no console to add; the failure itself is reported either way.
    return isSmolVMError(error) || errnoOf(error) !== undefined ? '' : Promise.reject(error as Error);
  }
}
