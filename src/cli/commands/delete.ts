import { isSmolVMError, SmolVM, SmolVMError } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { SeveralErrors } from '../failure.ts';

export interface DeleteRequest {
  readonly vmIds: readonly string[];
  /** Also VMs that run? */
  readonly force: boolean;
  /** Is a VM that somebody else has deleted meanwhile as good as deleted? */
  readonly mayBeGone?: boolean;
}

/** `smolvm delete`: each VM on its own; one that cannot be deleted does not keep the others. */
export async function deleteVms(
  context: CliContext,
  { vmIds, force, mayBeGone = false }: DeleteRequest,
): Promise<Outcome> {
  const errors: { readonly vmId: string; readonly error: unknown }[] = [];
  const deleted: string[] = [];
  for (const vmId of vmIds) {
    try {
      await deleteOne(context, vmId, force);
      deleted.push(vmId);
    } catch (error) {
      if (mayBeGone && isSmolVMError(error, 'VM_NOT_FOUND')) continue;
      if (vmIds.length === 1) throw error;
      errors.push({ vmId, error });
    }
  }
  if (errors.length === 0) return { data: { deleted } };
  throw new SeveralErrors(
    `${String(errors.length)} of ${String(vmIds.length)} VMs were not deleted`,
    errors,
    deleted,
  );
}

async function deleteOne({ signal, say }: CliContext, vmId: string, force: boolean): Promise<void> {
  if (signal.aborted) throw new SmolVMError('ABORTED', `deletion of VM '${vmId}' was aborted`);
  await SmolVM.deleteById(vmId, { force });
  say(`${vmId} is deleted`);
}
