import type { Cleanup } from '../../base/cleanup.ts';
import { buildRootfs } from '../rootfs/build-rootfs.ts';
import type { Layer } from '../rootfs/layer.ts';
import { buildImage, type DockerBuild } from './build-image.ts';
import { engineLayer } from './engine-layer.ts';
import { findEngine, type EngineChoice } from './engine.ts';
import { watched, type OnImageProgress } from './image-progress.ts';

/** A root file system to be made from a Dockerfile. */
export interface EngineRootfs {
  readonly choice: EngineChoice;
  readonly build: DockerBuild;
  readonly sizeMib: number;
  /** Where it appears. */
  readonly path: string;
  /** What is laid over the files of the image, of which `image` is all. Default: nothing. */
  readonly added?: (image: Layer) => readonly Layer[];
  readonly signal: AbortSignal;
  readonly onProgress: OnImageProgress | undefined;
}

/** Dockerfile → image of the engine → root file system. What was made in the engine is gone afterwards, or with `undo`. */
export async function buildEngineRootfs(request: EngineRootfs, undo: Cleanup): Promise<void> {
  const { signal, path, sizeMib } = request;
  const tell = watched(request.onProgress);
  const onOutput = (output: string): void => {
    tell({ step: 'build', output });
  };
  const engine = await findEngine(request.choice, signal);
  const image = await buildImage(engine, request.build, undo, { signal, onOutput });
  const layers = await engineLayer(engine, image, undo, { signal, onOutput });
  const added = request.added?.(layers[0]) ?? [];
  await buildRootfs({ layers: [...layers, ...added], sizeMib, path, signal, onProgress: tell });
}
