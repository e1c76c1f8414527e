import type { Cleanup } from '../../base/cleanup.ts';
import { ValidationError } from '../../errors.ts';
import type { ImageConfig } from '../../spec/image-config.ts';
import { shown } from '../../spec/parse.ts';
import type { Layer } from '../rootfs/layer.ts';
import { engineLayer } from './engine-layer.ts';
import { findEngine, runEngine, type EngineChoice, type OnOutput } from './engine.ts';
import { parseInspected } from './inspected-image.ts';

/** An image of a local engine. */
export interface ExportedImage {
  readonly config: ImageConfig;
  /** Its files. */
  readonly layers: readonly Layer[];
}

/** `name`, `host/name:tag`, `name@sha256:…` or an id. No option of an engine looks so. */
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/;

/**
 * An image that a local engine has: how its processes are meant to run, and its files, which are read when the layer is
 * opened. Nothing is pulled.
 *
 * @param undo - gets the removal of what the engine makes for this; run it when the layers have been read
 * @throws ImageError if there is no such image, it is for another system, or there is no engine
 */
export async function exportEngineImage(
  choice: EngineChoice,
  reference: string,
  undo: Cleanup,
  how: { readonly signal: AbortSignal; readonly onOutput?: OnOutput },
): Promise<ExportedImage> {
  if (!REFERENCE.test(reference))
    throw new ValidationError('image', [`expected the name of an image, received ${shown(reference)}`]);
  const engine = await findEngine(choice, how.signal);
  const isBuildah = engine.name === 'buildah';
  const args = isBuildah ? ['inspect', '--type', 'image', reference] : ['image', 'inspect', reference];
  const { stdout } = await runEngine(engine, { step: 'inspect', args, signal: how.signal });
  const config = parseInspected(engine.name, reference, stdout);
  return { config, layers: await engineLayer(engine, { reference }, undo, how) };
}
