import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder } from '../../base/private-folder.ts';
import { nameRecordSchema, type NameRecord } from './image-record.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { nameFile, type StorePaths } from './layout.ts';

/** All names that can be read, by name, and the files that cannot. */
export interface Names {
  readonly names: readonly NameRecord[];
  readonly damagedFiles: readonly string[];
}

/** What a name stands for; undefined if it is not stored or its file is damaged. */
export function readName(paths: StorePaths, name: string): NameRecord | undefined {
  const read = readJsonFile(nameFile(paths, name), nameRecordSchema);
  return read?.isGood === true && read.value.name === name ? read.value : undefined;
}

/** Lets a name stand for an image, from one moment to the next. */
export async function writeName(paths: StorePaths, record: NameRecord): Promise<void> {
  ensurePrivateFolder(paths.names);
  await writeJsonFile(nameFile(paths, record.name), record);
}

export async function removeName(paths: StorePaths, name: string): Promise<void> {
  await rm(nameFile(paths, name), { force: true });
}

export function listNames(paths: StorePaths): Names {
  const names: NameRecord[] = [];
  const damagedFiles: string[] = [];
  for (const file of existsSync(paths.names) ? readdirSync(paths.names) : []) {
    if (!file.endsWith('.json')) continue;
    const path = join(paths.names, file);
    const read = readJsonFile(path, nameRecordSchema);
    if (read === undefined) continue;
    if (read.isGood && nameFile(paths, read.value.name) === path) names.push(read.value);
    else damagedFiles.push(path);
  }
  return { names: names.sort((a, b) => (a.name < b.name ? -1 : 1)), damagedFiles };
}
