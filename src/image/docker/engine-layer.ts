import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Cleanup } from '../../base/cleanup.ts';
import { Deadline } from '../../base/deadline.ts';
import { startHostProcess } from '../../base/host-process.ts';
import type { Layer } from '../rootfs/layer.ts';
import { engineStepError } from './engine-error.ts';
import { keepEnd, runEngine, type Engine, type OnOutput } from './engine.ts';
import { thisSystem } from './host-system.ts';
import { deferRemoval } from './remove-from-engine.ts';
import { filesLayer, rootsFile } from './tar-layer.ts';

/** An image of an engine. */
export interface EngineImage {
  readonly reference: string;
  /** Such as `linux/amd64`; undefined: the only one that the engine has. */
  readonly platform?: string | undefined;
}

/** Making a container takes the daemon a moment; one that was asked for must not appear after we have cleaned up. */
const CREATE_TIMEOUT_MS = 60_000;

/**
 * The files of an image that the engine has. The lowest layer is read while the engine writes it.
 *
 * @param undo - gets the removal of what the engine makes for this
 */
export async function engineLayer(
  engine: Engine,
  image: EngineImage,
  undo: Cleanup,
  how: { readonly signal: AbortSignal; readonly onOutput?: OnOutput | undefined },
): Promise<readonly [Layer, ...Layer[]]> {
  const args =
    engine.name === 'buildah'
      ? await buildahExport(image, undo)
      : await containerExport(engine, image, undo, how);
  const files: Layer = {
    name: `${engine.name} image ${image.reference}`,
    open: (signal) => Promise.resolve(exported(engine, args, signal)),
  };
  return [files, WITHOUT_MARK];
}

/** Takes out the empty file by which programs know that they are in a container of Docker: there they will not be. */
const WITHOUT_MARK = filesLayer('no mark of a container', () => [
  rootsFile('.wh..dockerenv', 0o600, Buffer.alloc(0)),
]);

/** A container that is never started; its command is not looked for, and an image without one needs some. */
async function containerExport(
  engine: Engine,
  { reference, platform }: EngineImage,
  undo: Cleanup,
  { signal, onOutput }: { readonly signal: AbortSignal; readonly onOutput?: OnOutput | undefined },
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const name = `smolvm-export-${randomBytes(8).toString('hex')}`;
  const ofPlatform = platform === undefined ? [] : ['--platform', platform];
  deferRemoval(engine, { kind: 'container', name }, undo, onOutput);
  using deadline = new Deadline(`${engine.name} create`, CREATE_TIMEOUT_MS);
  await runEngine(engine, {
    step: 'create',
    args: ['create', '--pull', 'never', '--name', name, ...ofPlatform, reference, '/smolvm'],
    signal: deadline.signal,
  });
  signal.throwIfAborted();
  return ['export', name];
}

/** Buildah has no export, but writes what a build makes: here a build that changes nothing. */
async function buildahExport(
  { reference, platform }: EngineImage,
  undo: Cleanup,
): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'smolvm-export-'));
  undo.defer(`remove ${folder}`, () => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'Dockerfile'), `FROM ${reference}\n`, { mode: 0o600 });
  const ofPlatform = platform === undefined ? [] : ['--platform', platform];
  return ['build', '--layers=false', '--force-rm', '--pull=never', ...ofPlatform, '--output', '-', folder];
}

/** The archive that an export writes. It ends only if the export does well; closing it early ends the export. */
function exported(engine: Engine, args: readonly string[], signal: AbortSignal): Readable {
  const child = startHostProcess({ argv: [engine.program, ...args], env: engine.env, signal });
  const stderr = keepEnd(child.stderr);
  async function* archive(): AsyncGenerator<Buffer> {
    try {
      yield* engine.name === 'buildah'
        ? withoutImageId(child.stdout)
        : (child.stdout as AsyncIterable<Buffer>);
      const end = await child.ended;
      if (end.exitCode !== 0)
        throw engineStepError(
          { engine: engine.name, step: 'export', ...end, stdout: '', stderr: stderr() },
          thisSystem(),
        );
    } finally {
      child.stop();
    }
  }
  return Readable.from(archive(), { objectMode: false, highWaterMark: 256 * 1024 });
}

/** What Buildah prints after an archive on its stdout: the id of the image. */
const IMAGE_ID = /^[0-9a-f]{64}\n$/;
const IMAGE_ID_BYTES = 65;

/** The bytes without the id at their end. An archive ends with zeros, so nothing of one can be taken for it. */
export async function* withoutImageId(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    const all = Buffer.concat([held, piece]);
    const given = Math.max(0, all.length - IMAGE_ID_BYTES);
    if (given > 0) yield all.subarray(0, given);
    held = all.subarray(given);
  }
  if (held.length > 0 && !IMAGE_ID.test(held.toString('latin1'))) yield held;
}
