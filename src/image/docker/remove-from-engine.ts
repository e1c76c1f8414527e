import type { Cleanup } from '../../base/cleanup.ts';
import { Deadline } from '../../base/deadline.ts';
import { engineStepError } from './engine-error.ts';
import { tryEngine, type Engine, type OnOutput } from './engine.ts';
import { thisSystem } from './host-system.ts';

/** What we make in an engine and take away again. */
interface Removable {
  readonly kind: 'container' | 'image';
  readonly name: string;
}

/** Removing goes on when the caller has given up, for this long. */
const REMOVE_TIMEOUT_MS = 60_000;

/** What engines say of a thing that is not there. */
const NOT_THERE = /no such (?:container|image|object)|(?:image|container) not known|no container with name/i;

/** Adds the removal of a container or of the tag of an image. A failure is told to `onOutput`: it undoes nothing else. */
export function deferRemoval(
  engine: Engine,
  { kind, name }: Removable,
  undo: Cleanup,
  onOutput: OnOutput | undefined,
): void {
  undo.defer(`remove the ${kind} ${name}`, async () => {
    try {
      await remove(engine, { kind, name });
    } catch (error) {
      onOutput?.(`could not remove the ${kind} ${name} of ${engine.name}: ${(error as Error).message}\n`);
      throw error;
    }
  });
}

async function remove(engine: Engine, { kind, name }: Removable): Promise<void> {
  using deadline = new Deadline(`${engine.name} rm`, REMOVE_TIMEOUT_MS);
  const end = await tryEngine(engine, {
    step: 'remove',
    // An image is not forced: Podman then also removes containers of others.
    args: kind === 'container' ? ['rm', '--force', name] : ['rmi', name],
    signal: deadline.signal,
  });
  if (end.exitCode === 0 || NOT_THERE.test(end.stderr)) return;
  throw engineStepError({ engine: engine.name, step: 'remove', ...end }, thisSystem());
}
