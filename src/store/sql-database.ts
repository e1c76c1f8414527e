import { closeSync, openSync } from 'node:fs';
import { SmolVMError, toSmolVMError } from '../errors.ts';

/** A value that SQLite stores. */
export type SqlValue = string | number | null;

/** The few members of a SQLite binding that the store uses. */
export interface SqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  close(): void;
}

/** A prepared statement. Rows are untrusted: they are parsed before use. */
export interface SqlStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

interface SqlModule {
  readonly DatabaseSync: new (path: string, options: { readonly timeout: number }) => SqlDatabase;
}

/** Node's own binding where there is one (>= 22.13), else the package with the same interface. */
const BINDINGS = ['node:sqlite', '@photostructure/sqlite'] as const;

/** How long a writer waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens (making it, mode 0600, if there is none) a database that many processes use at once.
 * Write-ahead logging has lost data in SQLite before 3.51.3 (the WAL-reset bug), so older versions keep a rollback
 * journal: slower by some milliseconds a write, never wrong.
 */
export async function openSqlDatabase(path: string): Promise<SqlDatabase> {
  const { DatabaseSync } = await loadBinding();
  try {
    closeSync(openSync(path, 'a', 0o600));
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    database.exec(`PRAGMA journal_mode=${hasSafeWal(version) ? 'WAL' : 'TRUNCATE'}`);
    database.exec('PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON');
    return database;
  } catch (error) {
    throw sqlError(error, `open ${path}`, path);
  }
}

/** Is `version` at least 3.51.3? */
export function hasSafeWal(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1_000 + patch >= 3_051_003;
}

async function loadBinding(): Promise<SqlModule> {
  const reasons: string[] = [];
  for (const name of BINDINGS) {
    try {
      return (await quietly(() => import(name))) as SqlModule;
    } catch (error) {
      reasons.push(
        `${name}: ${error instanceof Error ? error.message.split('\n', 1).join('') : String(error)}`,
      );
    }
  }
  throw new SmolVMError('HOST_FAILED', `no SQLite binding could be loaded (${reasons.join('; ')})`, {
    hint: 'Use Node 22.13 or newer, or install with optional dependencies: npm install --include=optional',
  });
}

/** Node 22 announces that its SQLite is experimental on stderr; that is no message for our users. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const original = Reflect.get(process, 'emitWarning') as (...args: unknown[]) => void;
  const filtered = (...args: unknown[]): void => {
    if (!String(args[0]).includes('SQLite')) Reflect.apply(original, process, args);
  };
  Reflect.set(process, 'emitWarning', filtered);
  try {
    return await load();
  } finally {
    Reflect.set(process, 'emitWarning', original);
  }
}

const [BUSY, LOCKED, READONLY, CORRUPT, FULL, CANTOPEN, NOTADB] = [5, 6, 8, 11, 13, 14, 26];

/** A binding's error in our words. SQLite's primary result codes are the low byte of `errcode` (sqlite.org/rescode). */
export function sqlError(error: unknown, doing: string, path: string): SmolVMError {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') {
    return toSmolVMError(error, doing);
  }
  const options = { cause: error, details: { path, sqliteCode: error.errcode } };
  switch (error.errcode & 0xff) {
    case BUSY:
    case LOCKED:
      return new SmolVMError('BUSY', `${doing}: another process keeps the state database locked`, {
        ...options,
        hint: `Try again. If it stays so, see which process holds it: fuser ${path}`,
      });
    case CORRUPT:
    case NOTADB:
      return new SmolVMError('STORE_INVALID', `${doing}: the state database is damaged (${error.message})`, {
        ...options,
        hint: `Move ${path} aside; disks stay in the vms folder beside it.`,
      });
    case FULL:
      return new SmolVMError('NO_SPACE', `${doing}: no space left for the state database`, {
        ...options,
        hint: 'Free some disk space, or move the state with SMOLVM_HOME.',
      });
    case READONLY:
    case CANTOPEN:
      return new SmolVMError('PERMISSION_DENIED', `${doing}: ${error.message}`, {
        ...options,
        hint: 'Check who owns the folder and whether its file system is writable.',
      });
    default:
      return new SmolVMError('HOST_FAILED', `${doing}: ${error.message}`, options);
  }
}
