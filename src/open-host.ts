import { existsSync, realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePrivateFolder } from './base/private-folder.ts';
import { ownProcessRef } from './base/process-ref.ts';
import { SmolVMError } from './errors.ts';
import { hypervisors } from './hypervisor/registry.ts';
import {
  databasePath,
  homeTag,
  MAX_SOCKET_PATH_BYTES,
  SOCKET_SUFFIX_BYTES,
  type HostPaths,
} from './spec/file-names.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import { ChannelPool } from './vm/channel-pool.ts';
import { reconcile } from './vm/reconcile.ts';
import type { Services } from './vm/services.ts';

/** Where the shipped kernel, initrd and base image are: beside `dist/` (and `src/`). */
const ASSETS_FOLDER = fileURLToPath(new URL('../assets/x86_64', import.meta.url));

/** Beside this file, in `dist/`. */
const FORWARDER_PROGRAM = fileURLToPath(new URL('./forwarder-main.js', import.meta.url));

/** An open state folder. Close it when the last handle is closed. */
export interface Host {
  readonly services: Services;
  close(): Promise<void>;
}

/**
 * The composition root: environment → paths → store → services. What an earlier process left half done is put right
 * before anything else.
 */
export async function openHost(): Promise<Host> {
  const paths = hostPaths(process.env);
  ensurePrivateFolder(paths.home);
  const store = await openSqliteStore(databasePath(paths));
  const self = ownProcessRef();
  const channels = new ChannelPool(store, paths, self);
  const services: Services = {
    paths,
    assetsFolder: process.env['SMOLVM_ASSETS'] ?? ASSETS_FOLDER,
    hypervisorBinary: nonEmpty(process.env['SMOLVM_QEMU']),
    hypervisors,
    verboseBoot: process.env['SMOLVM_VERBOSE_BOOT'] === '1',
    store,
    channels,
    self,
    forwarderProgram: FORWARDER_PROGRAM,
    sameStateEnv: sameStateEnv(paths, process.env),
  };
  const close = async (): Promise<void> => {
    await channels.closeAll();
    store[Symbol.dispose]();
  };
  try {
    await reconcile(services);
  } catch (error) {
    await close();
    throw error;
  }
  return { services, close };
}

/** The folders, from `SMOLVM_HOME` (default `~/.smolvm`) and `XDG_RUNTIME_DIR` (default: the temporary folder). */
function hostPaths(env: NodeJS.ProcessEnv): HostPaths {
  const home = resolve(nonEmpty(env['SMOLVM_HOME']) ?? join(homedir(), '.smolvm'));
  ensurePrivateFolder(home);
  const canonical = realpathSync(home);
  const user = String(process.getuid?.() ?? 0);
  const runtime = nonEmpty(env['XDG_RUNTIME_DIR']);
  const parents = [
    ...(runtime === undefined || !existsSync(runtime) ? [] : [join(runtime, 'smolvm')]),
    join(tmpdir(), `smolvm-${user}`),
    `/tmp/smolvm-${user}`,
  ];
  const parent = parents.find(
    (path) =>
      Buffer.byteLength(join(path, homeTag(canonical))) + SOCKET_SUFFIX_BYTES <= MAX_SOCKET_PATH_BYTES,
  );
  if (parent === undefined) throw new SmolVMError('INTERNAL', 'no folder is short enough for sockets');
  ensurePrivateFolder(parent);
  const run = join(parent, homeTag(canonical));
  ensurePrivateFolder(run);
  return { home: canonical, run };
}

/** What leads another process to the same folders. */
function sameStateEnv(paths: HostPaths, env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['XDG_RUNTIME_DIR', 'TMPDIR', 'SMOLVM_ASSETS', 'SMOLVM_QEMU'] as const;
  const set = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return { ...Object.fromEntries(set), SMOLVM_HOME: paths.home };
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}
