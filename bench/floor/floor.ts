import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SmolVM } from 'smolvm';
import { cpioArchive } from '../../scripts/assets/cpio.ts';
import { AREA_DISK_BYTES } from '../../src/spec/transfer-area.ts';
import { REPO } from '../../scripts/assets/run.ts';

/** A bare VMM: our own command line, with the smallest program in place of the agent. */
export interface FloorPlan {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly freshDisk: string;
}

/** Takes the command line of a VM that the SDK has started and points it at the floor's initrd, sockets and disk. */
export async function planFloor(folder: string): Promise<FloorPlan> {
  mkdirSync(join(folder, 'run'), { recursive: true });
  const initrd = buildInitrd(folder);
  await using vm = await SmolVM.launch();
  const { pid } = vm.info;
  const argv = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
    .split('\0')
    .slice(0, -1);
  const option = (name: string): string => argv[argv.indexOf(name) + 1] ?? '';
  const { file, backing } = JSON.parse(option('-blockdev')) as Record<
    'file' | 'backing',
    { filename?: string; file?: { filename: string } }
  >;
  const runFolder = /path=(.*)\/control,/.exec(argv.join('\n'))?.[1];
  const diskPath = file.filename;
  if (runFolder === undefined || diskPath === undefined)
    throw new Error('the command line of the VMM is not as expected');
  const freshDisk = join(folder, 'fresh.qcow2');
  const made = spawnSync('qemu-img', [
    'create',
    '-q',
    '-f',
    'qcow2',
    '-F',
    'raw',
    '-b',
    backing.file?.filename ?? '',
    freshDisk,
  ]);
  if (made.status !== 0) throw new Error(`qemu-img: ${String(made.stderr)}`);
  const replaced = argv.map((argument) =>
    argument === option('-initrd')
      ? initrd
      : argument.replaceAll(runFolder, join(folder, 'run')).replaceAll(diskPath, join(folder, 'disk.qcow2')),
  );
  return { argv: replaced, folder, freshDisk };
}

function buildInitrd(folder: string): string {
  const program = join(folder, 'floor-init');
  const built = spawnSync(
    'gcc',
    ['-static', '-Os', '-s', '-w', '-o', program, join(REPO, 'bench/floor/init.c')],
    { encoding: 'utf8' },
  );
  if (built.status !== 0) throw new Error(`gcc: ${built.error?.message ?? built.stderr}`);
  const path = join(folder, 'floor.cpio');
  writeFileSync(
    path,
    cpioArchive([
      { name: 'dev', mode: 0o040755 },
      { name: 'dev/console', mode: 0o020600, device: [5, 1] },
      { name: 'newroot', mode: 0o040755 },
      { name: 'init', mode: 0o100755, contents: readFileSync(program) },
    ]),
  );
  return path;
}

const ANSWER_TIMEOUT_MS = 30_000;

/** What the floor takes and gives in one piece. */
export const BULK_BYTES = 16 * 1024 * 1024;

/** A booted floor VM. */
export class Floor {
  readonly #vmm: ChildProcess;
  readonly #socket: Socket;

  private constructor(vmm: ChildProcess, socket: Socket) {
    this.#vmm = vmm;
    this.#socket = socket;
  }

  /** Boots and waits for the first answer. The disk is made beforehand: its time is not counted here. */
  static async boot(plan: FloorPlan): Promise<Floor> {
    const [program, ...args] = plan.argv as [string, ...string[]];
    const vmm = spawn(program, args, { stdio: 'ignore' });
    const socket = await connectSoon(join(plan.folder, 'run/agent-0'));
    const floor = new Floor(vmm, socket);
    await floor.ask('P');
    return floor;
  }

  /** One round trip. A floor that does not answer fails the benchmark instead of stopping it. */
  async ask(question: 'P' | 'E'): Promise<void> {
    const answered = once(this.#socket, 'data', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    this.#socket.write(question);
    const answer = String(await answered);
    if (answer !== question.toLowerCase()) throw new Error(`the floor answered '${answer}' to '${question}'`);
  }

  /** Sends 16 MiB and waits until the guest has taken them. */
  async send(): Promise<void> {
    const answered = once(this.#socket, 'data', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    this.#socket.write('W');
    this.#socket.write(Buffer.alloc(BULK_BYTES));
    if (String(await answered) !== 'w') throw new Error('the floor did not take what it was sent');
  }

  /** Takes 16 MiB from the guest. */
  async receive(): Promise<void> {
    this.#socket.write('R');
    for (let left = BULK_BYTES; left > 0;) {
      const [chunk] = (await once(this.#socket, 'data', {
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      })) as [Buffer];
      left -= chunk.length;
    }
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#vmm.once('exit', resolve));
    this.#vmm.kill('SIGKILL');
    this.#socket.destroy();
    await ended;
  }
}

/** Lays out a new disk and an empty socket folder for the next boot. */
export function resetFloor(plan: FloorPlan): void {
  rmSync(join(plan.folder, 'run'), { recursive: true, force: true });
  mkdirSync(join(plan.folder, 'run'), { mode: 0o700 });
  cpSync(plan.freshDisk, join(plan.folder, 'disk.qcow2'));
  // A disk of our command line that the floor leaves alone.
  writeFileSync(join(plan.folder, 'run/transfer'), '');
  truncateSync(join(plan.folder, 'run/transfer'), AREA_DISK_BYTES);
}

async function connectSoon(path: string): Promise<Socket> {
  for (let attempt = 0; attempt < 10_000; attempt += 1) {
    const socket = createConnection(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket
        .once('connect', () => {
          resolve(true);
        })
        .once('error', () => {
          resolve(false);
        });
    });
    if (connected) return socket;
    await sleep(1);
  }
  throw new Error(`nobody listens on ${path}`);
}
