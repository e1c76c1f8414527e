import { Deadline } from '../base/deadline.ts';
import { escapeText } from '../base/escape-text.ts';
import { orAborted } from '../base/poll.ts';
import { errnoOf, isSmolVMError, OperationTimeoutError, SmolVMError, type ErrorCode } from '../errors.ts';
import type { VmControl } from '../hypervisor/hypervisor.ts';
import { lastLogLines, type Launched } from '../hypervisor/launch.ts';
import type { VmPaths } from '../spec/file-names.ts';
import { saveConsole } from './console-log.ts';

/** What is known of a boot that may fail. */
export interface FailedBoot {
  readonly vmId: string;
  readonly paths: VmPaths;
  readonly launched: Launched;
  /** Does the VM, with its console, go when the boot fails? */
  readonly ephemeral: boolean;
}

/** How long a VMM whose guest failed may take to hand over the console. */
const POST_MORTEM_MS = 1_000;

/** How much of the console a failed boot shows. */
const SHOWN_CONSOLE_CHARS = 1_500;

/** The error to throw for a boot that failed with `error`: its first cause, and what is known about it. */
export async function bootFailure(
  boot: FailedBoot,
  controlling: Promise<VmControl>,
  error: unknown,
): Promise<unknown> {
  return explain(boot, controlling, await firstCause(boot, error));
}

/** Failures of a line to the VMM: what is behind them may be that the VMM has ended. */
const LINE_FAILURES: ReadonlySet<ErrorCode> = new Set(['CONTROL_FAILED', 'VM_EXITED', 'HOST_FAILED']);

/** How long the news of a process's end may come after the end of its connections. */
const END_NEWS_MS = 500;

/** A VMM that ends closes its sockets before we hear of its end: then its end is the cause. */
async function firstCause(boot: FailedBoot, error: unknown): Promise<unknown> {
  if (!isSmolVMError(error) || !LINE_FAILURES.has(error.code)) return error;
  using deadline = new Deadline('hear of the end of the VMM', END_NEWS_MS);
  try {
    return vmmEndedError(await orAborted(boot.launched.ended, deadline.signal));
  } catch (noNews) {
    if (!isSmolVMError(noNews, 'TIMEOUT')) throw noNews;
    return new SmolVMError('LAUNCH_FAILED', error.message, { hint: error.hint, cause: error });
  }
}

export function vmmEndedError(how: string): SmolVMError {
  return new SmolVMError('LAUNCH_FAILED', `the VMM ended before the guest was ready: ${how}`);
}

/** The failure with what the console and the VMM's log say about it. */
async function explain(boot: FailedBoot, controlling: Promise<VmControl>, error: unknown): Promise<unknown> {
  if (isSmolVMError(error) && error.code !== 'LAUNCH_FAILED' && error.code !== 'TIMEOUT') return error;
  if (errnoOf(error) !== undefined) return error;
  const console = (await lastConsole(boot, controlling)).slice(-SHOWN_CONSOLE_CHARS);
  const log = lastLogLines(boot.paths.vmmLog);
  const note = [
    log === '' ? '' : `\nThe VMM said:\n${log}`,
    console === '' ? '' : `\nThe console ends with:\n${console}`,
  ].join('');
  // A VM that dies with its owner takes its console along.
  const logs = boot.ephemeral ? undefined : `See the whole console: smolvm logs ${boot.vmId}`;
  const hint = (isSmolVMError(error) ? error.hint : undefined) ?? logs;
  const options = { hint, details: { vmId: boot.vmId, console, log }, cause: error };
  if (error instanceof OperationTimeoutError) {
    return new OperationTimeoutError(error.operation, error.timeoutMs, note, options);
  }
  return new SmolVMError(
    'LAUNCH_FAILED',
    (error instanceof Error ? error.message : String(error)) + note,
    options,
  );
}

async function lastConsole(boot: FailedBoot, controlling: Promise<VmControl>): Promise<string> {
  using deadline = new Deadline('read the console of a failed boot', POST_MORTEM_MS);
  try {
    const control = await orAborted(controlling, deadline.signal);
    const log = await saveConsole(boot.paths, control, deadline.signal);
    return escapeText(log.toString('utf8').trim().replaceAll('\r', ''), { keepLines: true });
  } catch (error) {
    // The VMM is gone or mute, so there is no console to add; the failure itself is reported either way.
    if (isSmolVMError(error) || errnoOf(error) !== undefined) return '';
    throw error;
  }
}
