import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { databasePath, homeTag } from '../../src/spec/file-names.ts';
import { openSqlDatabase, type SqlDatabase } from '../../src/store/sql-database.ts';

/** Where one smolvm installation leaves traces. */
export interface CensusPlace {
  /** The state folder (SMOLVM_HOME). */
  readonly home: string;
  /** The folder in which sockets are made (`smolvm` below XDG_RUNTIME_DIR). */
  readonly run: string;
}

/** Everything that VMs could leave behind, as lists of names: equal lists mean that nothing was left. */
export interface Census {
  /** VMMs, and processes of fake guests. */
  readonly processes: readonly string[];
  readonly files: readonly string[];
  readonly rows: readonly string[];
  /** Sockets that somebody listens on or is connected to. */
  readonly sockets: readonly string[];
  /** Sockets, and files of the place, that this process has open. */
  readonly descriptors: readonly string[];
}

/** Counts what is there now. */
export async function takeCensus({ home, run }: CensusPlace): Promise<Census> {
  return {
    processes: markedProcesses(`smolvm:${homeTag(home)}:`),
    files: [...filesBelow(home).filter(isResidue), ...filesBelow(run).filter(isResidue)],
    rows: await rowsOf(home),
    sockets: socketsBelow(run),
    descriptors: ownDescriptors([home, run]),
  };
}

/** Waits until all is as it was in the census, and fails with the difference if it does not get so. */
export async function expectUnchanged(before: Census, place: CensusPlace): Promise<void> {
  // Killed processes and closed sockets take a moment to leave the kernel's tables. (`expect.poll` works in tests only.)
  for (let tries = 0; tries < 400 && !isDeepStrictEqual(await takeCensus(place), before); tries += 1)
    await sleep(20);
  expect(await takeCensus(place)).toEqual(before);
}

/** Ends the processes of a place whose test failed, so that they do not outlive it. */
export function killLeftProcesses({ home }: CensusPlace): void {
  for (const entry of markedProcesses(`smolvm:${homeTag(home)}:`)) {
    try {
      process.kill(Number.parseInt(entry, 10), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** Live processes with the text in their command line or environment. */
function markedProcesses(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const commandLine = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
      const isMarked = commandLine.includes(text) || read(`/proc/${pid}/environ`).includes(text);
      return isMarked ? [`${pid}: ${commandLine.slice(0, 200)}`] : [];
    });
}

/** A file of /proc, or nothing if its process is gone or not ours. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(
      (name) =>
        `${join(folder, name)} ${(lstatSync(join(folder, name), { throwIfNoEntry: false })?.mode ?? 0).toString(8)}`,
    )
    .sort();
}

/** What is made once and stays: the database, the key of the user, images and the folders themselves. */
function isResidue(entry: string): boolean {
  const isOfImages =
    /\/images\/((rootfs|names|makers|blobs|blobs\/sha(256|512)|rootfs\/[0-9a-f]{64}) 40700|blobs\/sha(256|512)\/[0-9a-f]+ 100444|names\/[0-9a-f]{64}\.json 100600|rootfs\/[0-9a-f]{64}\/(rootfs\.ext4 100444|image\.json 100600))$/;
  if (isOfImages.test(entry)) return false;
  return !/\/(smolvm\.db(-wal|-shm|-journal)? 100600|images 40700|vms 40700|images\/[0-9a-f]{64} 100444|keys 40700|keys\/id_ed25519 100600|smolvm\/[0-9a-f]{10} 40700)$/.test(
    entry,
  );
}

/** One connection for each database: the package that we use on Node 20 frees a closed one only with the next GC. */
const databases = new Map<string, SqlDatabase>();

async function rowsOf(home: string): Promise<string[]> {
  const path = databasePath({ home, run: '' });
  if (!existsSync(path)) return [];
  const database = databases.get(path) ?? (await openSqlDatabase(path));
  databases.set(path, database);
  const tables = database
    .prepare(`SELECT name FROM sqlite_schema WHERE name IN ('vms', 'port_leases')`)
    .all() as { readonly name: string }[];
  return tables.flatMap(({ name }) =>
    database
      .prepare(`SELECT * FROM ${name}`)
      .all()
      .map((row) => `${name}: ${JSON.stringify(row)}`),
  );
}

function socketsBelow(run: string): string[] {
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .flatMap((line) => / (\/\S+)$/.exec(line)?.[1] ?? [])
    .filter((path) => !relative(run, path).startsWith('..'));
}

function ownDescriptors(folders: readonly string[]): string[] {
  return readdirSync('/proc/self/fd')
    .map((name) => link(`/proc/self/fd/${name}`))
    .filter(
      (target) => target.startsWith('socket:') || folders.some((folder) => target.startsWith(`${folder}/`)),
    )
    .filter((target) => !/smolvm\.db(-wal|-shm)?( \(deleted\))?$/.test(target))
    .map((target) => (target.startsWith('socket:') ? 'a socket' : target))
    .sort();
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
