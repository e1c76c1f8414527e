import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { expectUnchanged, killLeftProcesses, takeCensus, type Census, type CensusPlace } from './census.ts';
import { makeFakeAssets } from './fake-assets.ts';
import { makeFakeQemu, type FakeProgram, type FakeQemu } from './fake-qemu.ts';

/** One smolvm installation of its own, for one test: state, sockets, assets and a stand-in for QEMU. */
export interface World extends CensusPlace {
  /** All of it is below this folder. */
  readonly folder: string;
  readonly assets: string;
  readonly qemu: FakeQemu;
  /** Replaces the stand-in. */
  useProgram(program: FakeProgram): FakeQemu;
}

const VARIABLES = ['SMOLVM_HOME', 'XDG_RUNTIME_DIR', 'SMOLVM_ASSETS', 'SMOLVM_QEMU'] as const;

/**
 * Gives every test of a file a fresh world, to which the environment points, and proves after each test that nothing of
 * its VMs is left. The folder's name is short because the paths of sockets are.
 */
export function withWorld(): () => World {
  let world: World | undefined;
  let before: Census | undefined;
  const saved = new Map(VARIABLES.map((name) => [name, process.env[name]]));
  beforeEach(async () => {
    world = makeWorld();
    before = await takeCensus(world);
  });
  afterEach(async () => {
    if (world === undefined || before === undefined) return;
    try {
      await expectUnchanged(before, world);
    } finally {
      killLeftProcesses(world);
      for (const [name, value] of saved) setVariable(name, value);
      await rm(world.folder, { recursive: true, force: true });
    }
  });
  return () => {
    if (world === undefined) throw new Error('there is a world only while a test runs');
    return world;
  };
}

function makeWorld(): World {
  const folder = realpathSync(mkdtempSync('/tmp/s'));
  const [home, run, assets] = [join(folder, 'home'), join(folder, 'smolvm'), join(folder, 'assets')];
  mkdirSync(home, { mode: 0o700 });
  makeFakeAssets(assets);
  let count = 0;
  const useProgram = (program: FakeProgram): FakeQemu => {
    count += 1;
    const qemu = makeFakeQemu(join(folder, `qemu${count}`), program);
    setVariable('SMOLVM_QEMU', qemu.path);
    return qemu;
  };
  const qemu = useProgram({});
  setVariable('SMOLVM_HOME', home);
  setVariable('XDG_RUNTIME_DIR', folder);
  setVariable('SMOLVM_ASSETS', assets);
  return { folder, home, run, assets, qemu, useProgram };
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
