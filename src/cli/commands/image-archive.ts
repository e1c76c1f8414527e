import { images } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { ProgressView } from '../progress-view.ts';
import { safeLine } from '../safe-text.ts';
import { made } from './image-make.ts';

/** `smolvm image save`. */
export async function save(
  context: CliContext,
  { name, path, overwrite }: { readonly name: string; readonly path: string; readonly overwrite: boolean },
): Promise<Outcome> {
  using view = new ProgressView(context);
  const { onProgress } = view;
  const saved = await images.save(name, path, { overwrite, signal: context.signal, onProgress });
  return { data: saved, text: `${safeLine(saved.path)}\n` };
}

/** `smolvm image load`. */
export async function load(
  context: CliContext,
  request: { readonly path: string; readonly name: string | undefined; readonly overwrite: boolean },
): Promise<Outcome> {
  using view = new ProgressView(context);
  const { onProgress } = view;
  const { path, ...options } = request;
  return await made(await images.load(path, { ...options, signal: context.signal, onProgress }));
}
