import { Deadline } from '../../base/deadline.ts';
import type { DetachedCommand, GuestChannel } from '../../guest/guest-channel.ts';
import { parseExecId } from '../../spec/run-options.ts';
import type { Services } from '../services.ts';
import { openSession } from './open-session.ts';

/** How long the guest may take to answer a question about itself. */
const ANSWER_TIMEOUT_MS = 10_000;

/** The detached commands that the guest of a VM knows. */
export async function listDetached(
  services: Services,
  vmId: string,
  signal?: AbortSignal,
): Promise<readonly DetachedCommand[]> {
  return ask(services, vmId, { what: 'list the commands', signal }, (channel, deadline) =>
    channel.listDetached(deadline),
  );
}

/** Lets the guest of a VM forget one that has ended. */
export async function forgetDetached(
  services: Services,
  vmId: string,
  execId: unknown,
  signal?: AbortSignal,
): Promise<void> {
  const parsed = parseExecId(execId);
  return ask(services, vmId, { what: 'forget the command', signal }, (channel, deadline) =>
    channel.forgetDetached(parsed, deadline),
  );
}

async function ask<T>(
  services: Services,
  vmId: string,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal | undefined },
  question: (channel: GuestChannel, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using deadline = new Deadline(what, ANSWER_TIMEOUT_MS, signal);
  return await question(await openSession(services, vmId, deadline.signal), deadline.signal);
}
