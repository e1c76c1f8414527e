import { escapeText } from '../../base/escape-text.ts';
import type { ChildEnding } from '../../base/child-stream.ts';
import { CommandExecutionUnavailableError, SmolVMError, type FailureOptions } from '../../errors.ts';

/** What the client says when the server has another key than the pinned one, or none of its kind. */
const WRONG_HOST_KEY = /host key verification failed|no \S+ host key is known|no matching host key type/i;

const DENIED = /permission denied|too many authentication failures/i;

/** Words for a server that is not there yet, or that ended the connection before the client knew it. */
const NOT_THERE = /connection (?:refused|reset|closed|timed out)|timed out during banner|broken pipe|kex_exchange_identification/i;

/** Exit code of the client for its own failures; others are those of what it ran. */
const CLIENT_FAILED = 255;

/** The end of an SSH client → error. Pure. */
export function sshFailure({ exitCode, endSignal, stderr }: ChildEnding): SmolVMError {
  const said = lastLines(stderr);
  const options: FailureOptions = { details: { exitCode, stderr: said } };
  if (exitCode === CLIENT_FAILED && WRONG_HOST_KEY.test(stderr)) {
    return new SmolVMError('HOST_KEY_MISMATCH', 'the SSH server does not have the host key that was pinned; nothing was sent to it', {
      ...options,
      hint: 'Somebody else answers on this port, or the guest changed its key: restart the VM to pin it again.',
    });
  }
  if (exitCode === CLIENT_FAILED && DENIED.test(stderr)) {
    return new CommandExecutionUnavailableError(`the SSH server of the guest refuses our key: ${said}`, {
      ...options,
      hint: 'Let the key of the keys folder in: root needs it in ~/.ssh/authorized_keys, and PermitRootLogin must not be no.',
    });
  }
  const how = endSignal === null ? `with code ${String(exitCode)}` : `by ${endSignal}`;
  return new CommandExecutionUnavailableError(
    `the SSH client ended ${how}${said === '' ? '' : `: ${said}`}`,
    { ...options, hint: 'See whether the guest still runs its SSH server: smolvm logs' },
  );
}

/** May the same attempt succeed a moment later? Pure. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof CommandExecutionUnavailableError)) return false;
  const { stderr } = error.details;
  return typeof stderr === 'string' && NOT_THERE.test(stderr);
}

function lastLines(stderr: string): string {
  const lines = stderr.trim().split(/\r?\n/).slice(-3);
  return escapeText(lines.join(' / ')).slice(-500);
}
