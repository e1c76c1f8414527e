import { images, SmolVMError, type RemovedImage } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { SeveralErrors } from '../failure.ts';
import { mebibytes } from '../progress-line.ts';
import { safeLine } from '../safe-text.ts';
import { renderTable } from '../table.ts';

/** `smolvm image rm`: each name on its own; one that cannot be removed does not keep the others. */
export async function removeImages(
  { signal, say }: CliContext,
  { names, force }: { readonly names: readonly string[]; readonly force: boolean },
): Promise<Outcome> {
  const errors: { readonly image: string; readonly error: unknown }[] = [];
  const removed: RemovedImage[] = [];
  for (const name of names) {
    if (signal.aborted) throw new SmolVMError('ABORTED', `the removal of the image '${name}' was aborted`);
    try {
      const one = await images.remove(name, { force });
      removed.push(one);
      say(
        `${safeLine(one.name)} is removed${one.filesRemoved ? '' : '; its files stay, see smolvm image list'}`,
      );
    } catch (error) {
      if (names.length === 1) throw error;
      errors.push({ image: name, error });
    }
  }
  if (errors.length === 0) return { data: { removed } };
  throw new SeveralErrors(
    `${String(errors.length)} of ${String(names.length)} images were not removed`,
    errors,
    removed.map(({ name }) => name),
  );
}

/** `smolvm image prune`. */
export async function pruneImages(
  { json, signal, stderr }: CliContext,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Outcome> {
  const { items, freedBytes, isPartial } = await images.prune({ dryRun, signal });
  if (isPartial && !json)
    void stderr.write('another process is making an image: what may belong to it is left alone\n');
  const total = `${dryRun ? 'would free' : 'freed'} ${mebibytes(freedBytes)} MiB\n`;
  const table = renderTable(
    items.map(({ kind, what, diskBytes }) => [kind, what, `${mebibytes(diskBytes)} MiB`]),
  );
  return { data: { dryRun, items, freedBytes, isPartial }, text: table + total };
}
