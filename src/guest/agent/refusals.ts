import { escapeText } from '../../base/escape-text.ts';
import { SmolVMError } from '../../errors.ts';
import { decodeFailed } from './messages.ts';

/** FAILED as the answer to EXEC. */
export function notStarted(payload: Buffer): SmolVMError {
  const { errno, reason, message } = decodeFailed(payload);
  return new SmolVMError('COMMAND_NOT_STARTED', `the command did not start: ${escapeText(message)}`, {
    hint: NOT_STARTED_HINTS[reason],
    details: { reason: escapeText(reason), errno },
  });
}

const NOT_STARTED_HINTS: Readonly<Record<string, string>> = {
  notFound: 'Give the full path, or install the program in the guest.',
  notExecutable: 'Make it executable (chmod +x), or run it with its interpreter.',
  badCwd: 'Make the folder first, or choose another working folder.',
  badUser: 'Use a name from /etc/passwd of the guest, or uid:gid.',
  limit: 'Wait for other commands of this VM to end.',
  exists: 'Choose another execId, or attach to that command.',
};

/** FAILED as the answer to ATTACH or FORGET. */
export function notAttached(payload: Buffer): SmolVMError {
  const { reason, message } = decodeFailed(payload);
  const code = reason === 'notFound' ? 'COMMAND_NOT_FOUND' : 'INVALID_ARGUMENT';
  return new SmolVMError(code, `the guest refused: ${escapeText(message)}`, {
    hint: 'List the detached commands of the VM: vm.listDetached()',
    details: { reason: escapeText(reason) },
  });
}

/** FAILED as the answer to any other request. */
export function requestFailed(payload: Buffer): SmolVMError {
  const { message, errno } = decodeFailed(payload);
  return new SmolVMError('COMMAND_UNAVAILABLE', `the guest refused a request: ${escapeText(message)}`, { details: { errno } });
}
