import { closeSync, existsSync, openSync, statSync } from 'node:fs';
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
export async function openSqlDatabase(path: string, busyTimeoutMs = BUSY_TIMEOUT_MS): Promise<SqlDatabase> {
  const { DatabaseSync } = await loadBinding();
  try {
    const file = ensureFile(path);
    const known = idle.get(path);
    idle.delete(path);
    if (known?.file === file) {
      known.database.exec(`PRAGMA busy_timeout=${String(busyTimeoutMs)}`);
      return known.database;
    }
    known?.end();
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    database.exec(`PRAGMA journal_mode=${hasSafeWal(version) ? 'WAL' : 'TRUNCATE'}`);
    database.exec('PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON');
    return reusable(database, path, file);
  } catch (error) {
    throw sqlError(error, `open ${path}`, path);
  }
}

/** Connections that nobody uses now, by path. */
const idle = new Map<
  string,
  { readonly file: string; readonly database: SqlDatabase; readonly end: () => void }
>();

/**
 * A connection that is kept when it is closed, one for a file. The package for Node 20 frees a connection that has
 * statements only when they are garbage-collected; a program that opens and closes in a loop would run out of descriptors.
 */
function reusable(connection: SqlDatabase, path: string, file: string): SqlDatabase {
  const end = (): void => {
    connection.close();
  };
  const database: SqlDatabase = {
    exec: (sql) => {
      connection.exec(sql);
    },
    prepare: (sql) => connection.prepare(sql),
    close: () => {
      if (idle.has(path)) end();
      else idle.set(path, { file, database, end });
    },
  };
  return database;
}

/**
 * Makes the file if there is none; tells which file it is, so that another one of that name is not taken for it. A file
 * that is there is never opened past SQLite: closing it again would drop the locks of this process's connections
 * (sqlite.org/howtocorrupt, 2.2).
 */
function ensureFile(path: string): string {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  const { dev, ino } = statSync(path);
  return `${String(dev)}:${String(ino)}`;
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

/** Reading with the package for Node 20 tells what is wrong in SQLite's words (sqlite3_errstr) and gives no number. */
const CODES_BY_TEXT: Readonly<Record<string, number | undefined>> = {
  'database is locked': BUSY,
  'database table is locked': LOCKED,
  'attempt to write a readonly database': READONLY,
  'database disk image is malformed': CORRUPT,
  'database or disk is full': FULL,
  'unable to open database file': CANTOPEN,
  'file is not a database': NOTADB,
};
const UNKNOWN = 1;

/** SQLite's result code of a binding's error, or undefined if it is no error of SQLite (sqlite.org/rescode). */
function resultCodeOf(error: Error): number | undefined {
  if ('errcode' in error) return typeof error.errcode === 'number' ? error.errcode : undefined;
  if (!('code' in error) || error.code !== 'ERR_SQLITE_ERROR') return undefined;
  return CODES_BY_TEXT[error.message] ?? UNKNOWN;
}

/** A binding's error in our words. The primary result code is the low byte. */
export function sqlError(error: unknown, doing: string, path: string): SmolVMError {
  const sqliteCode = error instanceof Error ? resultCodeOf(error) : undefined;
  if (!(error instanceof Error) || sqliteCode === undefined) return toSmolVMError(error, doing);
  const options = { cause: error, details: { path, sqliteCode } };
  switch (sqliteCode & 0xff) {
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
