import { readFileSync } from 'node:fs';
import { errnoOf } from '../../errors.ts';

/** What a cure depends on: the kind of system this is. */
export interface HostSystem {
  readonly platform: NodeJS.Platform;
  /** `ID` and `ID_LIKE` of os-release(5), such as `ubuntu` and `debian`. */
  readonly families: readonly string[];
}

/** The most of an os-release file that is read. */
const MAX_CHARS = 64 * 1024;

/** This host. */
export function thisSystem(): HostSystem {
  return { platform: process.platform, families: familiesOf(osRelease()) };
}

/** The distributions that an os-release text names, its own first. Pure. */
export function familiesOf(text: string): readonly string[] {
  return ['ID', 'ID_LIKE'].flatMap((key) => {
    const value = new RegExp(`^${key}=["']?([a-z0-9._ -]*)`, 'mi').exec(text)?.[1] ?? '';
    return value.split(' ').filter((name) => name !== '');
  });
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8').slice(0, MAX_CHARS);
  } catch (error) {
    // Not every system has one; then the cure is one for any.
    if (errnoOf(error) !== undefined) return '';
    throw error;
  }
}
