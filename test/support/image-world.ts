import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { makeFakeAssets } from './fake-assets.ts';
import { FakeEngine } from './fake-engine.ts';
import { withTemporaryFolder } from './temporary-folder.ts';

const CHANGED = ['PATH', 'HOME', 'DOCKER_HOST', 'SMOLVM_HOME', 'SMOLVM_ASSETS', 'SMOLVM_IMAGE_DIR'] as const;

/** A test's own state folder, assets and engine, of which the environment tells. */
export interface ImageWorld {
  folder(): string;
  readonly engine: FakeEngine;
  /** Resolves when the engine has been called for a step. */
  called(step: string): Promise<void>;
}

/**
 * Gives every test of a file such a world.
 *
 * @param initrd - what the initrd of the assets holds
 */
export function useImageWorld(initrd?: Buffer): ImageWorld {
  const folder = withTemporaryFolder();
  let engine: FakeEngine | undefined;
  let real: readonly (readonly [string, string | undefined])[] = [];
  const theEngine = (): FakeEngine => {
    if (engine === undefined) throw new Error('there is an engine only while a test runs');
    return engine;
  };
  beforeEach(() => {
    real = CHANGED.map((name) => [name, process.env[name]]);
    engine = new FakeEngine(folder());
    makeFakeAssets(join(folder(), 'assets'), initrd === undefined ? {} : { initrd });
    process.env['PATH'] = engine.bin;
    process.env['SMOLVM_HOME'] = join(folder(), 'home');
    process.env['SMOLVM_ASSETS'] = join(folder(), 'assets');
    process.env['SMOLVM_IMAGE_DIR'] = '';
  });
  afterEach(() => {
    for (const [name, value] of real) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });
  return {
    folder,
    get engine() {
      return theEngine();
    },
    called: async (step) => {
      await expect.poll(() => theEngine().calls(step).length, { timeout: 15_000 }).toBeGreaterThan(0);
    },
  };
}
