import * as v from 'valibot';
import { isAlive, type ProcessRef } from '../base/process-ref.ts';
import { isSmolVMError, SmolVMError, VMAlreadyExistsError, VMNotFoundError } from '../errors.ts';
import { mayMove } from '../spec/transitions.ts';
import type { ResolvedVm, VmRecord, VmStatus } from '../spec/vm-record.ts';
import { decodeRow, processRefSchema } from './row-codec.ts';
import { migrate } from './schema.ts';
import {
  openSqlDatabase,
  sqlError,
  type SqlDatabase,
  type SqlStatement,
  type SqlValue,
} from './sql-database.ts';
import type { StateStore, VmListing } from './state-store.ts';

/** Opens the state database, making or migrating it as needed. `busyTimeoutMs`: how long to wait for other processes. */
export async function openSqliteStore(path: string, busyTimeoutMs?: number): Promise<StateStore> {
  const database = await openSqlDatabase(path, busyTimeoutMs);
  try {
    migrate(database);
  } catch (error) {
    database.close();
    throw sqlError(error, `prepare ${path}`, path);
  }
  return new SqliteStore(database, path);
}

class SqliteStore implements StateStore {
  readonly #database: SqlDatabase;
  readonly #path: string;
  readonly #statements = new Map<string, SqlStatement>();

  constructor(database: SqlDatabase, path: string) {
    this.#database = database;
    this.#path = path;
  }

  create(vm: ResolvedVm, status: VmStatus): VmRecord {
    const createdAt = new Date().toISOString();
    const added = this.#run(
      `INSERT INTO vms (id, revision, vm, status, created_at) VALUES (?, 1, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      vm.vmId,
      JSON.stringify(vm),
      JSON.stringify(status),
      createdAt,
    );
    if (added === 0) throw new VMAlreadyExistsError(vm.vmId);
    return Object.freeze({ vm, status, revision: 1, createdAt });
  }

  find(vmId: string): VmRecord | undefined {
    const row = this.#query((sql) => this.#prepared(sql).get(vmId), 'SELECT * FROM vms WHERE id = ?');
    return row === undefined ? undefined : decodeRow(row);
  }

  list(): VmListing {
    const rows = this.#query((sql) => this.#prepared(sql).all(), 'SELECT * FROM vms ORDER BY seq');
    const records: VmRecord[] = [];
    const damaged: { vmId: string; error: SmolVMError }[] = [];
    for (const row of rows) {
      try {
        records.push(decodeRow(row));
      } catch (error) {
        if (!isSmolVMError(error, 'STORE_INVALID')) throw error;
        damaged.push({ vmId: String(error.details['vmId']), error });
      }
    }
    return { records, damaged };
  }

  move(record: VmRecord, next: VmStatus): VmRecord {
    const { vmId } = record.vm;
    if (!mayMove(record.status.state, next.state)) {
      throw new SmolVMError(
        'WRONG_STATE',
        `VM '${vmId}' is ${record.status.state}, it cannot become ${next.state}`,
        {
          details: { vmId, state: record.status.state },
        },
      );
    }
    const changed = this.#run(
      'UPDATE vms SET status = ?, revision = revision + 1 WHERE id = ? AND revision = ?',
      JSON.stringify(next),
      vmId,
      record.revision,
    );
    if (changed === 0) this.#throwLost(vmId);
    return Object.freeze({ ...record, status: next, revision: record.revision + 1 });
  }

  remove(record: VmRecord): void {
    const { vmId } = record.vm;
    if (this.#run('DELETE FROM vms WHERE id = ? AND revision = ?', vmId, record.revision) === 0)
      this.#throwLost(vmId);
  }

  removeDamaged(vmId: string): void {
    this.#run('DELETE FROM vms WHERE id = ?', vmId);
  }

  exclusively<T>(work: () => T): T {
    return this.#transaction(work);
  }

  leasePort(vmId: string, owner: ProcessRef, portCount: number): number | undefined {
    return this.#transaction(() => {
      if (this.#prepared('SELECT 1 FROM vms WHERE id = ?').get(vmId) === undefined)
        throw new VMNotFoundError(vmId);
      const rows = this.#prepared('SELECT port, owner FROM port_leases WHERE vm_id = ?').all(vmId);
      const taken = new Set(
        rows.filter((row) => hasLiveOwner(row)).map((row) => (row as { port: number }).port),
      );
      for (let port = 0; port < portCount; port += 1) {
        if (taken.has(port)) continue;
        this.#prepared('INSERT OR REPLACE INTO port_leases (vm_id, port, owner) VALUES (?, ?, ?)').run(
          vmId,
          port,
          JSON.stringify(owner),
        );
        return port;
      }
      return undefined;
    });
  }

  releasePort(vmId: string, port: number, owner: ProcessRef): void {
    const sql = 'DELETE FROM port_leases WHERE vm_id = ? AND port = ? AND owner = ?';
    this.#run(sql, vmId, port, JSON.stringify(owner));
  }

  leaseSshPort(vmId: string, avoid: ReadonlySet<number>): number | undefined {
    return this.#transaction(() => {
      if (this.#prepared('SELECT 1 FROM vms WHERE id = ?').get(vmId) === undefined)
        throw new VMNotFoundError(vmId);
      const rows = this.#prepared('SELECT vm_id, port FROM ssh_ports').all() as {
        readonly vm_id: string;
        readonly port: number;
      }[];
      const own = rows.find((row) => row.vm_id === vmId)?.port;
      if (own !== undefined && !avoid.has(own)) return own;
      const taken = new Set(rows.map(({ port }) => port));
      const port = lowestFree((one) => taken.has(one) || avoid.has(one));
      if (port === undefined) return undefined;
      this.#prepared('INSERT OR REPLACE INTO ssh_ports (vm_id, port) VALUES (?, ?)').run(vmId, port);
      return port;
    });
  }

  sshPort(vmId: string): number | undefined {
    const row = this.#query(
      (sql) => this.#prepared(sql).get(vmId),
      'SELECT port FROM ssh_ports WHERE vm_id = ?',
    );
    return v.is(v.object({ port: v.number() }), row) ? row.port : undefined;
  }

  fact(key: string): string | undefined {
    const row = this.#query((sql) => this.#prepared(sql).get(key), 'SELECT value FROM facts WHERE key = ?');
    return v.is(v.object({ value: v.string() }), row) ? row.value : undefined;
  }

  setFact(key: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)', key, value);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #throwLost(vmId: string): never {
    const now = this.find(vmId);
    if (now === undefined) throw new VMNotFoundError(vmId);
    throw new SmolVMError(
      'BUSY',
      `VM '${vmId}' was changed by another process meanwhile (it is ${now.status.state})`,
      {
        hint: 'Look at its state and try again: smolvm list',
        details: { vmId, state: now.status.state },
      },
    );
  }

  /** Statements are prepared once: preparing costs more than running. */
  #prepared(sql: string): SqlStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: SqlValue[]): number {
    return this.#query(() => Number(this.#prepared(sql).run(...values).changes), sql);
  }

  #query<T>(work: (sql: string) => T, sql: string): T {
    try {
      return work(sql);
    } catch (error) {
      throw sqlError(error, `use ${this.#path}`, this.#path);
    }
  }

  #transaction<T>(work: () => T): T {
    return this.#query(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    }, '');
  }
}

/** Ports of this host for SSH servers of guests. */
const SSH_PORTS = { lowest: 2_200, highest: 65_535 } as const;

function lowestFree(isTaken: (port: number) => boolean): number | undefined {
  for (let port: number = SSH_PORTS.lowest; port <= SSH_PORTS.highest; port += 1)
    if (!isTaken(port)) return port;
  return undefined;
}

/** A lease whose owner cannot be read counts as free: the worst that a second user of a port sees is a lost session. */
function hasLiveOwner(row: unknown): boolean {
  const { owner } = row as { owner: string };
  try {
    const parsed = v.safeParse(processRefSchema, JSON.parse(owner));
    return parsed.success && isAlive(parsed.output);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
