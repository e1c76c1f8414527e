import { isSmolVMError, type SmolVM } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { loginShellOf } from '../login-shell.ts';
import { requireTerminal } from '../require-terminal.ts';
import type { GuestRequest } from '../requests.ts';
import { runOnTerminal } from '../run-on-terminal.ts';
import { withVm } from '../with-vm.ts';

export interface ShellRequest {
  readonly vmId: string;
  readonly options: GuestRequest['options'];
}

const MAX_PASSWD_BYTES = 1024 * 1024;

/** `smolvm shell`: the login shell of a user of the guest, on this terminal. */
export async function shell(context: CliContext, { vmId, options }: ShellRequest): Promise<Outcome> {
  requireTerminal(context);
  return withVm(vmId, async (vm) => {
    const program = loginShellOf(options.user ?? 'root', await passwdOf(vm, context.signal));
    return runOnTerminal(vm, { command: [program, '-l'], options, interactive: true }, context);
  });
}

/** An image needs no users. */
async function passwdOf(vm: SmolVM, signal: AbortSignal): Promise<string> {
  try {
    return await vm.files.readText('/etc/passwd', { maxBytes: MAX_PASSWD_BYTES, signal });
  } catch (error) {
    if (isSmolVMError(error, 'GUEST_FILE_FAILED') && error.details['errno'] === 'ENOENT') return '';
    throw error;
  }
}
