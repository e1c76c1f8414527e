import { SmolVMError } from '../errors.ts';
import type { SqlDatabase } from './sql-database.ts';

/** Each entry brings the schema from its index to the next version. Entries are never changed, only added. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE vms (
     seq        INTEGER PRIMARY KEY AUTOINCREMENT,
     id         TEXT NOT NULL UNIQUE,
     revision   INTEGER NOT NULL,
     vm         TEXT NOT NULL,
     status     TEXT NOT NULL,
     created_at TEXT NOT NULL
   ) STRICT;
   CREATE TABLE port_leases (
     vm_id TEXT NOT NULL REFERENCES vms (id) ON DELETE CASCADE,
     port  INTEGER NOT NULL,
     owner TEXT NOT NULL,
     PRIMARY KEY (vm_id, port)
   ) STRICT;
   CREATE TABLE facts (
     key   TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) STRICT;`,
  `UPDATE vms SET vm = json_set(vm, '$.bootArgs', '', '$.diskMode', 'isolated',
     '$.retainDiskOnDelete', json('false'), '$.imageIdentity', NULL) WHERE json_valid(vm);`,
  `UPDATE vms SET vm = json_set(vm, '$.boot', json('{"kind":"agent"}'), '$.defaults', NULL,
     '$.channel', 'agent', '$.sshCapable', json('false')) WHERE json_valid(vm);`,
];

/** The schema version this smolvm writes; stored in SQLite's `user_version`. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings an empty or older database up to date in one transaction. A newer one is refused, unchanged. */
export function migrate(database: SqlDatabase): void {
  const current = versionOf(database);
  if (current === SCHEMA_VERSION) return;
  if (current > SCHEMA_VERSION) throw newerError(current);
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have migrated while we waited for the lock.
    for (const step of MIGRATIONS.slice(versionOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version=${String(SCHEMA_VERSION)}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: SqlDatabase): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}

function newerError(found: number): SmolVMError {
  return new SmolVMError(
    'STORE_INVALID',
    `the state database has schema version ${String(found)}, this smolvm knows ${String(SCHEMA_VERSION)}`,
    { hint: 'A newer smolvm wrote it: use that version, or another SMOLVM_HOME.', details: { found } },
  );
}
