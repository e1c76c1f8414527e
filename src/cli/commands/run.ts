import { images, isSmolVMError, SmolVM, type ImageChoice, type VmOptions } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { imageCommand } from '../image-command.ts';
import { ProgressView } from '../progress-view.ts';
import { machineOf } from '../read-config.ts';
import type { GuestRequest, MachineRequest, StartRequest } from '../requests.ts';
import { runInGuest } from '../run-in-guest.ts';
import { reportStart } from '../start-report.ts';

export interface RunRequest {
  readonly machine: MachineRequest;
  readonly start: StartRequest;
  readonly guest: GuestRequest;
  /** Instead of that of the image; empty: none. */
  readonly entrypoint: string | undefined;
}

/** `smolvm run`: a VM for one command. Whatever happens, nothing of the VM is left. */
export async function run(context: CliContext, request: RunRequest): Promise<Outcome> {
  const { start } = request;
  const { options, guest } = await withImage(context, await machineOf(request.machine), request);
  context.say('starting…');
  const vm = await SmolVM.launch(options, { ...start.options, signal: context.signal });
  try {
    reportStart(context, vm.timings, start.timings);
    const { data, exitCode = 0 } = await runInGuest(vm, guest, context);
    return { data: { ...data, timings: vm.timings ?? null }, exitCode };
  } finally {
    await remove(vm);
  }
}

/** The image, pulled if need be, and the command with what it says of it; refused before anything boots. */
async function withImage(
  context: CliContext,
  options: VmOptions & ImageChoice,
  { guest, entrypoint }: RunRequest,
): Promise<{ readonly options: VmOptions & ImageChoice; readonly guest: GuestRequest }> {
  const { image: name, pull, ...others } = options;
  if (typeof name !== 'string') return { options, guest };
  using view = new ProgressView(context);
  const { onProgress } = view;
  const image = await images.resolve(name, { pull, signal: context.signal, onProgress });
  const { command } = guest;
  const whole = typeof command === 'string' ? command : imageCommand(image.config, command, entrypoint);
  return { options: { ...others, image }, guest: { ...guest, command: whole } };
}

/** Not stopped first: nothing of its disk outlives it. If somebody else deleted it meanwhile, that is as good. */
async function remove(vm: SmolVM): Promise<void> {
  try {
    await vm.delete();
  } catch (error) {
    if (!isSmolVMError(error, 'VM_NOT_FOUND')) throw error;
  } finally {
    await vm.close();
  }
}
