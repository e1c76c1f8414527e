import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { images } from 'smolvm';
import { REPO } from '../scripts/assets/run.ts';
import { dockerProblem, startRealDocker } from '../test/support/real-docker.ts';
import { RegistryProcess } from '../test/support/registry-process.ts';
import { machine } from './machine.ts';
import { runRounds } from './rounds.ts';
import { summarize, timed } from './statistics.ts';
import { table, type Row } from './table.ts';

const SIZE_MIB = 1_024;
const MKE2FS = '/usr/sbin/mke2fs';
const REGISTRY = '/usr/bin/docker-registry';
const values = { ours: [] as number[], docker: [] as number[] };
const execute = promisify(execFile);

/** Where a round works, and with what. */
interface Bench {
  readonly folder: string;
  readonly dockerHost: string;
  /** The image in the registry. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * From a registry to an ext4 image: smolvm against `docker pull`, `docker export | tar` and `mke2fs -d`, interleaved. Both
 * begin a round with nothing of the image, and the registry is the same process. Prints medians; writes JSON.
 */
export async function benchImages(rounds: number): Promise<void> {
  const problem = dockerProblem() ?? missingFile();
  if (problem !== undefined) {
    process.stderr.write(`cannot measure images here: ${problem}\n`);
    process.exitCode = 1;
    return;
  }
  const stop = new AbortController();
  const onSignal = (name: string): void => stop.abort(new Error(`ended by ${name}`));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, onSignal);
  const folder = mkdtempSync(join(tmpdir(), 'smolvm-bench-'));
  try {
    await using engine = await startRealDocker();
    await using registry = await RegistryProcess.start(join(folder, 'registry'));
    const name = `${registry.host}/debian:bench`;
    const bench = { folder, dockerHost: engine.host, name, signal: stop.signal };
    await push(bench, engine.debian);
    await runRounds(rounds, [() => smolvmRound(bench), () => dockerRound(bench)], values);
    report(rounds, await docker(bench, 'info', '--format', '{{.Driver}}'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function missingFile(): string | undefined {
  const missing = [MKE2FS, REGISTRY].filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `there is no ${missing.join(', ')}`;
}

async function push(bench: Bench, image: string): Promise<void> {
  await docker(bench, 'tag', image, bench.name);
  await docker(bench, 'push', '--quiet', bench.name);
  await docker(bench, 'image', 'rm', bench.name, image);
}

async function smolvmRound({ folder, name, signal }: Bench): Promise<void> {
  const home = join(folder, 'home');
  process.env['SMOLVM_HOME'] = home;
  try {
    values.ours.push(await timed(() => images.pull(name, { sizeMib: SIZE_MIB, signal })));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function dockerRound(bench: Bench): Promise<void> {
  const [tree, path] = [join(bench.folder, 'tree'), join(bench.folder, 'root.ext4')];
  let container = '';
  const work = async (): Promise<void> => {
    mkdirSync(tree);
    await docker(bench, 'pull', '--quiet', bench.name);
    container = await docker(bench, 'create', bench.name, '/bin/true');
    // The shell joins the two by a pipe, which is what a user would do.
    const script = 'docker --host "$1" export "$2" | tar -x --numeric-owner -C "$3"';
    await run(bench, ['bash', '-o', 'pipefail', '-c', script, 'bash', bench.dockerHost, container, tree]);
    await run(bench, [MKE2FS, '-q', '-t', 'ext4', '-d', tree, path, `${String(SIZE_MIB)}M`]);
  };
  values.docker.push(await timed(work));
  await docker(bench, 'rm', container);
  await docker(bench, 'image', 'rm', bench.name);
  for (const made of [tree, path]) rmSync(made, { recursive: true });
}

function docker(bench: Bench, ...args: readonly string[]): Promise<string> {
  return run(bench, ['docker', '--host', bench.dockerHost, ...args]);
}

/** A program to its end, while this process goes on reading what the registry says. Resolves with its stdout. */
async function run({ signal }: Bench, argv: readonly [string, ...string[]]): Promise<string> {
  const [program, ...args] = argv;
  return (await execute(program, args, { signal })).stdout.trim();
}

function report(rounds: number, storageDriver: string): void {
  const rows: readonly Row[] = [
    {
      name: 'pull and ext4 image (floor: docker, tar, mke2fs)',
      ours: summarize(values.ours),
      floor: summarize(values.docker),
      limit: undefined,
    },
  ];
  const path = join(REPO, '.build/bench-images.json');
  writeFileSync(
    path,
    `${JSON.stringify({ machine: machine(), storageDriver, rounds, rows }, undefined, 2)}\n`,
  );
  process.stdout.write(`${table(rows)}\nwritten to ${path}\n`);
}
