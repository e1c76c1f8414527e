import { statSync } from 'node:fs';
import { images, type BootImage, type BuildSource, type EngineName, type ImportSource } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { ProgressView } from '../progress-view.ts';
import { safeLine } from '../safe-text.ts';

interface SizeRequest {
  readonly sizeMib: number | undefined;
}

/** `smolvm image pull`. */
export async function pull(
  context: CliContext,
  { name, sizeMib }: SizeRequest & { readonly name: string },
): Promise<Outcome> {
  using view = new ProgressView(context);
  const { onProgress } = view;
  return await made(await images.pull(name, { sizeMib, signal: context.signal, onProgress }));
}

/** `smolvm image build`. Names are for the SDK to judge. */
export async function build(
  context: CliContext,
  {
    source,
    sizeMib,
  }: SizeRequest & { readonly source: Omit<BuildSource, 'engine'> & { readonly engine: string | undefined } },
): Promise<Outcome> {
  using view = new ProgressView(context);
  const { onProgress } = view;
  const from = { ...source, engine: source.engine as EngineName | undefined };
  return await made(await images.build(from, { sizeMib, signal: context.signal, onProgress }));
}

/** From where, as it was asked for. */
export interface ImageSourceRequest {
  readonly kind: 'path' | 'archive' | 'engine';
  readonly from: string;
  readonly engineName?: string | undefined;
}

/** `smolvm image import`. */
export async function importImage(
  context: CliContext,
  { source, name, sizeMib }: SizeRequest & { readonly source: ImageSourceRequest; readonly name: string },
): Promise<Outcome> {
  using view = new ProgressView(context);
  const { onProgress } = view;
  return await made(
    await images.import(sourceOf(source), name, { sizeMib, signal: context.signal, onProgress }),
  );
}

function sourceOf({ kind, from, engineName }: ImageSourceRequest): ImportSource {
  if (kind === 'engine') return { engine: from, engineName: engineName as EngineName | undefined };
  if (kind === 'archive') return { archive: from };
  const isFolder = statSync(from, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? { folder: from } : { path: from };
}

/** What became of it, with its name for people. */
export async function made({ name }: BootImage): Promise<Outcome> {
  return { data: await images.inspect(name), text: `${safeLine(name)}\n` };
}
