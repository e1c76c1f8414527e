import { SeveralErrors, type Failure } from './failure.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_TIMED_OUT = 124;
const EXIT_SMOLVM_FAILED = 125;
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;

/** Their exit code is the guest's, so that smolvm's own failures need codes that programs rarely use. */
const GUEST_COMMANDS: readonly (string | null)[] = ['run', 'exec', 'shell', 'attach', 'ssh'];

/** `details.operation` of a command's timeout; that of a boot names the VM. */
const COMMAND_OPERATION = 'the command';

/** The exit code of the process for an error. */
export function exitCodeOf(command: string | null, error: unknown, failure: Failure): number {
  if (error instanceof SeveralErrors) return EXIT_FAILED;
  if (failure.code === 'INVALID_ARGUMENT') return EXIT_USAGE;
  return GUEST_COMMANDS.includes(command) ? guestExitCode(failure) : EXIT_FAILED;
}

function guestExitCode({ code, details }: Failure): number {
  if (code === 'TIMEOUT' && details['operation'] === COMMAND_OPERATION) return EXIT_TIMED_OUT;
  if (code !== 'COMMAND_NOT_STARTED') return EXIT_SMOLVM_FAILED;
  if (details['reason'] === 'notFound') return EXIT_NOT_FOUND;
  return details['reason'] === 'notExecutable' ? EXIT_NOT_EXECUTABLE : EXIT_SMOLVM_FAILED;
}
