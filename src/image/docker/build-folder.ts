import { randomBytes } from 'node:crypto';
import type { Cleanup } from '../../base/cleanup.ts';
import type { EngineImage } from './engine-layer.ts';
import { runEngine, type Engine, type OnOutput } from './engine.ts';
import { deferRemoval } from './remove-from-engine.ts';

/** A folder with a Dockerfile, given to an engine as it is; `.dockerignore` counts. */
export interface FolderBuild {
  readonly folder: string;
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly platform: string;
}

/**
 * Builds it into an image of the engine with a tag of its own.
 *
 * @param undo - gets the removal of the image; the engine keeps its layers for the next build
 */
export async function buildFolder(
  engine: Engine,
  { folder, dockerfile, buildArgs, platform }: FolderBuild,
  undo: Cleanup,
  { signal, onOutput }: { readonly signal: AbortSignal; readonly onOutput: OnOutput },
): Promise<EngineImage> {
  const tag = `smolvm-build:${randomBytes(8).toString('hex')}`;
  const reference = engine.name === 'docker' ? tag : `localhost/${tag}`;
  deferRemoval(engine, { kind: 'image', name: reference }, undo, onOutput);
  const args = [
    'build',
    '--force-rm',
    ...(engine.name === 'buildah' ? ['--layers'] : []),
    ...['--tag', reference, '--platform', platform],
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...['--file', dockerfile, folder],
  ];
  await runEngine(engine, { step: 'build', args, signal, onOutput });
  return { reference, platform };
}
