import { setTimeout as sleep } from 'node:timers/promises';
import { isSmolVMError, type SmolVM, type VmState } from '../../index.ts';
import { ConsoleTail, SafePieces } from '../console-tail.ts';
import type { CliContext, Outcome } from '../context.ts';
import { UsageError } from '../usage-error.ts';
import { withVm } from '../with-vm.ts';

const POLL_INTERVAL_MS = 200;

/** States in which nothing more comes to the console. */
const ENDED: ReadonlySet<VmState> = new Set(['created', 'stopped', 'failed', 'deleting']);

/** `smolvm logs --follow`: what is kept of the console, then what comes, until the VM ends. */
export async function followLogs(context: CliContext, vmId: string): Promise<Outcome> {
  if (context.json) throw new UsageError('--follow has no end to put into an envelope', 'Leave out --json.');
  return withVm(vmId, async (vm) => {
    const print = printer(context);
    try {
      while (!(await lookOnce(vm, context, print.piece))) await pause(context.signal);
    } catch (error) {
      // Somebody deleted it while we looked: that is an end too.
      if (!isSmolVMError(error, 'VM_NOT_FOUND')) throw error;
    }
    await print.end();
    return { data: { vmId: vm.vmId } };
  });
}

/** Prints what is new; true if it was the last. */
async function lookOnce(
  vm: SmolVM,
  { signal }: CliContext,
  print: (newest: Uint8Array) => Promise<void>,
): Promise<boolean> {
  // First: what is read after the end is all there is.
  const isOver = ENDED.has((await vm.refresh()).state);
  await print(await readConsole(vm, signal));
  return isOver || signal.aborted;
}

/** The console, also if the VM ends at this moment: then its log has it. */
async function readConsole(vm: SmolVM, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await vm.readConsole(signal);
  } catch (error) {
    if (signal.aborted || (await vm.refresh()).state === 'running') throw error;
    return vm.readConsole(signal);
  }
}

/** Escaped on a terminal, else as it is; the guest wrote every byte of it. */
function printer({ stdout, stderr }: CliContext): {
  readonly piece: (newest: Uint8Array) => Promise<void>;
  readonly end: () => Promise<void>;
} {
  const tail = new ConsoleTail();
  const pieces = stdout.isTerminal ? new SafePieces() : undefined;
  return {
    piece: async (newest) => {
      const { bytes, mayLack } = tail.take(newest);
      if (mayLack)
        void stderr.write('smolvm: the console was faster than it can be read: output may be missing here\n');
      if (bytes.length > 0) await stdout.write(pieces?.push(bytes) ?? bytes);
    },
    end: async () => {
      await stdout.write(pieces?.end() ?? '');
    },
  };
}

/** Ends early, and quietly, when the program is told to end. */
async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_INTERVAL_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
