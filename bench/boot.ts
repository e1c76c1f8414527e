import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SmolVM } from 'smolvm';
import { REPO, run } from '../scripts/assets/run.ts';
import { BULK_BYTES, Floor, planFloor, resetFloor, type FloorPlan } from './floor/floor.ts';
import { machine } from './machine.ts';
import { runRounds } from './rounds.ts';
import { summarize, timed } from './statistics.ts';
import { table, type Row } from './table.ts';

const EXECS_PER_ROUND = 40;
/** Between the boot and the round trips, for both: these are about a VM that runs, not about the end of its boot. */
const SETTLE_MS = 1_000;
const CLI = join(REPO, 'dist/cli/main.js');
const values = {
  floorBoot: [] as number[],
  sdkBoot: [] as number[],
  floorExec: [] as number[],
  sdkExec: [] as number[],
  floorSend: [] as number[],
  floorReceive: [] as number[],
  upload: [] as number[],
  download: [] as number[],
  node: [] as number[],
  cli: [] as number[],
};

/** smolvm against the floor, interleaved, in one run. Prints medians and ratios; writes JSON. */
export async function benchBoots(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'smolvm-bench-'));
  try {
    const bulkPath = join(folder, 'bulk');
    writeFileSync(bulkPath, Buffer.alloc(BULK_BYTES, 7));
    // Everything on disk is unpacked and probed before the clock runs; the first round is thrown away.
    const plan = await planFloor(folder);
    const steps = [(): Promise<void> => floorRound(plan), (): Promise<void> => sdkRound(bulkPath), cliRound];
    // One handle stays open, so that each launch is that of a program that uses smolvm, not of one that opens it.
    const keepOpen = await SmolVM.create({ vmId: `bench-${String(process.pid)}` });
    try {
      await runRounds(rounds, steps, values);
    } finally {
      await keepOpen.delete();
      await keepOpen.close();
    }
    report(rounds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function floorRound(plan: FloorPlan): Promise<void> {
  resetFloor(plan);
  const startedAt = performance.now();
  const floor = await Floor.boot(plan);
  await floor.ask('E');
  values.floorBoot.push(performance.now() - startedAt);
  await sleep(SETTLE_MS);
  for (let count = 0; count < EXECS_PER_ROUND; count += 1)
    values.floorExec.push(await timed(() => floor.ask('E')));
  values.floorSend.push(await timed(() => floor.send()));
  values.floorReceive.push(await timed(() => floor.receive()));
  await floor.end();
}

async function sdkRound(bulkPath: string): Promise<void> {
  const startedAt = performance.now();
  const vm = await SmolVM.launch();
  await vm.run(['/bin/true']);
  values.sdkBoot.push(performance.now() - startedAt);
  await sleep(SETTLE_MS);
  for (let count = 0; count < EXECS_PER_ROUND; count += 1)
    values.sdkExec.push(await timed(() => vm.run(['/bin/true'])));
  values.upload.push(await timed(() => vm.uploadFile(bulkPath, '/srv/bulk')));
  values.download.push(await timed(() => vm.files.read('/srv/bulk')));
  await vm.delete();
  await vm.close();
}

async function cliRound(): Promise<void> {
  values.node.push(await timed(() => run([process.execPath, '-e', '0'])));
  values.cli.push(await timed(() => run([process.execPath, CLI, 'run', '--', '/bin/true'])));
}

function report(rounds: number): void {
  const { floorBoot, sdkBoot, floorExec, sdkExec, node, cli } = values;
  const { floorSend, floorReceive, upload, download } = values;
  const rows: readonly Row[] = [
    { name: 'cold boot to first command', ours: summarize(sdkBoot), floor: summarize(floorBoot), limit: 1.1 },
    { name: 'exec of /bin/true', ours: summarize(sdkExec), floor: summarize(floorExec), limit: 1.5 },
    { name: 'upload of 16 MiB', ours: summarize(upload), floor: summarize(floorSend), limit: 1.25 },
    { name: 'download of 16 MiB', ours: summarize(download), floor: summarize(floorReceive), limit: 1.25 },
    {
      name: 'CLI run -- /bin/true (floor: node -e 0 + SDK)',
      ours: summarize(cli),
      floor: summarize(sum(node, sdkBoot)),
      limit: undefined,
    },
  ];
  const path = join(REPO, '.build/bench.json');
  writeFileSync(path, `${JSON.stringify({ machine: machine(), rounds, rows }, undefined, 2)}\n`);
  process.stdout.write(`${table(rows)}\nwritten to ${path}\n`);
}

function sum(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((value, index) => value + (b[index] ?? NaN));
}
