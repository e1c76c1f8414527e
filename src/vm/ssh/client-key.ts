import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Cleanup } from '../../base/cleanup.ts';
import { ensurePrivateFolder } from '../../base/private-folder.ts';
import { runHostCommand } from '../../base/subprocess.ts';
import { errnoOf, SmolVMError, toSmolVMError } from '../../errors.ts';
import { clientKeyPath, type HostPaths } from '../../spec/file-names.ts';
import { parseSshPublicKey } from '../../spec/ssh-public-key.ts';

/** The key as which this user comes to the SSH servers of guests. */
export interface ClientKey {
  /** Private, 0600. */
  readonly keyPath: string;
  /** `TYPE BASE64`, without a comment. */
  readonly publicKey: string;
}

/**
 * The key of this user; it is made when first asked for. Of two processes that make one at once both get the same: the
 * file takes its name only if nobody else's has it.
 */
export async function ensureClientKey(paths: HostPaths, signal: AbortSignal): Promise<ClientKey> {
  const keyPath = clientKeyPath(paths);
  ensurePrivateFolder(dirname(keyPath));
  if (lstatSync(keyPath, { throwIfNoEntry: false }) === undefined) await makeKey(keyPath, signal);
  requirePrivate(keyPath);
  const { type, base64 } = parseSshPublicKey(await publicHalf(keyPath, signal), keyPath);
  return { keyPath, publicKey: `${type} ${base64}` };
}

async function makeKey(keyPath: string, signal: AbortSignal): Promise<void> {
  const folder = join(dirname(keyPath), `new-${randomBytes(6).toString('hex')}`);
  const undo = new Cleanup();
  try {
    mkdirSync(folder, { mode: 0o700 });
    undo.defer(`remove ${folder}`, () => rm(folder, { recursive: true, force: true }));
    const fresh = join(folder, 'id_ed25519');
    await keygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'smolvm', '-f', fresh], signal);
    try {
      linkSync(fresh, keyPath);
    } catch (error) {
      // Another process was faster: its key is the key.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  } catch (error) {
    throw toSmolVMError(error, `make ${keyPath}`);
  } finally {
    await undo.run();
  }
}

/** Told by the private half, so that the two can never differ. */
async function publicHalf(keyPath: string, signal: AbortSignal): Promise<string> {
  return keygen(['-y', '-f', keyPath], signal);
}

async function keygen(args: readonly string[], signal: AbortSignal): Promise<string> {
  const { exitCode, stdout, stderr } = await runHostCommand({ argv: ['ssh-keygen', ...args], signal });
  if (exitCode === 0) return stdout;
  throw new SmolVMError('HOST_FAILED', `ssh-keygen failed: ${stderr.trim().slice(0, 500)}`, {
    hint: 'If the key in the keys folder is damaged or has a passphrase, move it away: another one is made.',
  });
}

function requirePrivate(keyPath: string): void {
  const stats = lstatSync(keyPath);
  if (stats.isFile() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0) return;
  throw new SmolVMError('PERMISSION_DENIED', `${keyPath} is not a private file of yours`, {
    hint: `Is it yours? Then: chmod 0600 ${keyPath}; else move it away.`,
    details: { path: keyPath },
  });
}

/** The line of the pinned key in a file of OpenSSH, or undefined if there is none. */
export function readPinnedLine(knownHostsPath: string): string | undefined {
  try {
    return readFileSync(knownHostsPath, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toSmolVMError(error, `read ${knownHostsPath}`);
  }
}
