import { mkdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Cleanup } from '../../base/cleanup.ts';
import type { ContextFact } from './context-files.ts';
import { stageContext } from './context-files.ts';
import type { ContextFile } from './context.ts';
import type { EngineImage } from './engine-layer.ts';
import { runEngine, type Engine, type OnOutput } from './engine.ts';
import { deferRemoval } from './remove-from-engine.ts';

/** A Dockerfile to be built. */
export interface DockerBuild {
  readonly dockerfile: string;
  readonly files: readonly ContextFile[];
  readonly facts: readonly ContextFact[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly platform: string;
  /** Begins the tag: what an image is for, should one ever be left. */
  readonly tagName: string;
  /** An empty private folder for Dockerfile and context. */
  readonly folder: string;
}

/**
 * Builds a Dockerfile into an image with a tag of its own.
 *
 * @param undo - gets the removal of the image
 */
export async function buildImage(
  engine: Engine,
  build: DockerBuild,
  undo: Cleanup,
  { signal, onOutput }: { readonly signal: AbortSignal; readonly onOutput?: OnOutput | undefined },
): Promise<EngineImage> {
  const { folder, platform } = build;
  const dockerfilePath = join(folder, 'Dockerfile');
  const contextFolder = join(folder, 'context');
  await mkdir(contextFolder, { mode: 0o700 });
  // Beside the context: what copies all of it does not copy the Dockerfile.
  await writeFile(dockerfilePath, build.dockerfile, { mode: 0o600 });
  await stageContext(contextFolder, build.files, build.facts, signal);
  const tag = `${build.tagName}:${randomBytes(8).toString('hex')}`;
  const reference = engine.name === 'docker' ? tag : `localhost/${tag}`;
  deferRemoval(engine, { kind: 'image', name: reference }, undo, onOutput);
  const args = [
    'build',
    // Else the container of a step that failed stays.
    '--force-rm',
    ...(engine.name === 'buildah' ? ['--layers'] : []),
    ...['--tag', reference, '--platform', platform],
    ...Object.entries(build.buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...['--file', dockerfilePath, contextFolder],
  ];
  await runEngine(engine, { step: 'build', args, signal, onOutput });
  return { reference, platform };
}
