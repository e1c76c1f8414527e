import { findProgram } from '../../base/find-program.ts';
import { runHostCommand } from '../../base/subprocess.ts';
import { SmolVMError } from '../../errors.ts';
import { BLOCK_BYTES, INODE_BYTES, inodeCount, journalMib } from './ext4/layout.ts';
import { FEATURES } from './ext4/superblock.ts';

/** The same for all images, so that one tree gives one image; ext4 does not mind two of a kind. */
const UUID = '736d6f6c-766d-4578-8434-726f6f746673';
/** 2020-09-13: when the file system says it was made. */
const MADE_AT_S = 1_600_000_000;

/** An empty file system for the file that is there. */
export interface NewFileSystem {
  readonly path: string;
  readonly sizeMib: number;
  /** Inodes that will be taken at once. */
  readonly neededInodes: number;
  readonly signal: AbortSignal;
}

/**
 * Makes an empty ext4 file system that leaves the file sparse: discarding tells mke2fs that all is zeros, so that neither
 * it nor the guest's kernel writes tables of inodes that nobody uses.
 */
export async function makeFileSystem({ path, sizeMib, neededInodes, signal }: NewFileSystem): Promise<void> {
  const mke2fs = findProgram('mke2fs');
  if (mke2fs === undefined)
    throw new SmolVMError('HOST_FAILED', 'there is no program mke2fs, which makes file systems', {
      hint: 'Install e2fsprogs: apt-get install e2fsprogs',
    });
  const extended = `lazy_itable_init=0,lazy_journal_init=1,hash_seed=${UUID},root_owner=0:0,discard`;
  const shape = ['-b', BLOCK_BYTES, '-I', INODE_BYTES, '-N', inodeCount(sizeMib, neededInodes), '-m', 0];
  const result = await runHostCommand({
    argv: [
      mke2fs,
      ...['-q', '-F', '-t', 'ext4', '-O', FEATURES, '-E', extended, '-U', UUID],
      ...shape.map(String),
      ...['-J', `size=${journalMib(sizeMib)}`, path],
    ],
    // What the host's administrator prefers for file systems is not for ours.
    env: { MKE2FS_CONFIG: '/dev/null', E2FSPROGS_FAKE_TIME: String(MADE_AT_S) },
    signal,
  });
  if (result.exitCode === 0) return;
  throw new SmolVMError('HOST_FAILED', `mke2fs failed: ${result.stderr.trim().slice(0, 1000)}`, {
    details: { exitCode: result.exitCode, path },
  });
}
