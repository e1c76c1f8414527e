import { SmolVM, SmolVMError } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { safeLine } from '../safe-text.ts';
import { deleteVms } from './delete.ts';

export interface DeleteAllRequest {
  /** Also VMs that run? */
  readonly force: boolean;
  /** Only tell which would be deleted? */
  readonly dryRun: boolean;
}

/** In these states somebody may be using the VM. */
const BUSY_STATES: readonly string[] = ['starting', 'running', 'paused', 'stopping'];

/** `smolvm delete --all`: all VMs or, if one runs and that is not forced, none. Retained disks stay. */
export async function deleteAll(context: CliContext, { force, dryRun }: DeleteAllRequest): Promise<Outcome> {
  const vms = await SmolVM.list();
  const busy = vms.filter(({ state }) => BUSY_STATES.includes(state)).map(({ vmId }) => vmId);
  if (busy.length > 0 && !force) throw stillRunning(busy);
  const vmIds = vms.map(({ vmId }) => vmId);
  if (dryRun)
    return { data: { wouldDelete: vmIds }, text: vmIds.map((vmId) => `${safeLine(vmId)}\n`).join('') };
  return deleteVms(context, { vmIds, force, mayBeGone: true });
}

function stillRunning(vmIds: readonly string[]): SmolVMError {
  const more = vmIds.length - 5;
  const names = vmIds.slice(0, 5).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
  return new SmolVMError('WRONG_STATE', `not all VMs are stopped: ${names}; nothing was deleted`, {
    hint: 'Stop them first, or delete them as they are: smolvm delete --all --force',
    details: { vmIds },
  });
}
