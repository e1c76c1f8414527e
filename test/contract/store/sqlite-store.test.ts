import {
  chmodSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ownProcessRef } from '../../../src/base/process-ref.ts';
import type { ResolvedVm } from '../../../src/spec/vm-record.ts';
import { SCHEMA_VERSION } from '../../../src/store/schema.ts';
import { openSqlDatabase } from '../../../src/store/sql-database.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { resolvedVm } from '../../support/resolved-vm.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const self = ownProcessRef();
let path = '';
beforeEach(() => {
  path = join(folder(), 'smolvm.db');
});

/** Runs SQL past the store. */
async function tamper(sql: string): Promise<void> {
  const database = await openSqlDatabase(path);
  database.exec(sql);
  database.close();
}

async function storeWith(...vms: readonly ResolvedVm[]): Promise<void> {
  using store = await openSqliteStore(path);
  for (const vm of vms) store.create(vm, { state: 'created' });
}

describe('the state store', () => {
  it('makes a private file of the current schema', async () => {
    await storeWith();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const database = await openSqlDatabase(path);
    expect(database.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: SCHEMA_VERSION });
    database.close();
  });

  it('gives back what was stored, also after it was closed and opened', async () => {
    const owned = { ...resolvedVm('owned'), owner: self };
    await storeWith(resolvedVm('box'), owned);
    using store = await openSqliteStore(path);
    expect(store.find('owned')).toMatchObject({ vm: owned, status: { state: 'created' }, revision: 1 });
    expect(store.find('none')).toBeUndefined();
    expect(store.list().records.map(({ vm }) => vm.vmId)).toEqual(['box', 'owned']);
  });

  it('lists in the order of creation, which no deletion changes', async () => {
    using store = await openSqliteStore(path);
    for (const id of ['z', 'm', 'a']) store.create(resolvedVm(id), { state: 'created' });
    const found = store.find('z');
    if (found !== undefined) store.remove(found);
    store.create(resolvedVm('b'), { state: 'created' });
    expect(store.list().records.map(({ vm }) => vm.vmId)).toEqual(['m', 'a', 'b']);
  });

  it('refuses an id that is taken and leaves that VM as it is', async () => {
    using store = await openSqliteStore(path);
    const first = store.create(resolvedVm('box'), { state: 'created' });
    expect(() => store.create({ ...resolvedVm('box'), vcpuCount: 9 }, { state: 'stopped' })).toThrow(
      expect.objectContaining({ code: 'VM_ALREADY_EXISTS' }),
    );
    expect(store.find('box')).toEqual(first);
  });

  it('moves a VM along the table of moves only', async () => {
    using store = await openSqliteStore(path);
    const created = store.create(resolvedVm('box'), { state: 'created' });
    expect(() => store.move(created, { state: 'stopped' })).toThrow(
      expect.objectContaining({ code: 'WRONG_STATE' }),
    );
    const starting = store.move(created, { state: 'starting', by: self });
    expect(starting).toMatchObject({ revision: 2, status: { state: 'starting' } });
    expect(store.find('box')).toEqual(starting);
  });

  it('refuses a change that is made against an older revision', async () => {
    using store = await openSqliteStore(path);
    const created = store.create(resolvedVm('box'), { state: 'created' });
    const starting = store.move(created, { state: 'starting', by: self });
    const busy = expect.objectContaining({
      code: 'BUSY',
      details: { vmId: 'box', state: 'starting' },
    }) as Error;
    expect(() => store.move(created, { state: 'starting', by: self })).toThrow(busy);
    expect(() => store.remove(created)).toThrow(busy);
    expect(store.find('box')).toEqual(starting);
  });

  it('says that a VM is gone when it was removed meanwhile', async () => {
    using store = await openSqliteStore(path);
    const created = store.create(resolvedVm('box'), { state: 'created' });
    store.remove(created);
    const gone = expect.objectContaining({ code: 'VM_NOT_FOUND' }) as Error;
    expect(() => store.move(created, { state: 'starting', by: self })).toThrow(gone);
    expect(() => store.remove(created)).toThrow(gone);
  });

  it('reads a VM that the first version stored, and leaves a damaged row of it as it is', async () => {
    await storeWith(resolvedVm('old'), resolvedVm('broken'));
    const { vmId, vcpuCount, memSizeMib, backend, kernelPath, initrdPath, rootfsPath, diskSizeBytes, owner } =
      resolvedVm('old');
    const first = JSON.stringify({
      ...{ vmId, vcpuCount, memSizeMib, backend, kernelPath, initrdPath, rootfsPath, diskSizeBytes, owner },
    });
    await tamper(
      `UPDATE vms SET vm = '${first}' WHERE id = 'old'; UPDATE vms SET vm = '{' WHERE id = 'broken'; PRAGMA user_version = 1`,
    );
    using store = await openSqliteStore(path);
    expect(store.find('old')?.vm).toEqual(resolvedVm('old'));
    expect(store.list().damaged).toMatchObject([{ vmId: 'broken' }]);
  });

  it('remembers facts', async () => {
    {
      using store = await openSqliteStore(path);
      expect(store.fact('a')).toBeUndefined();
      store.setFact('a', '1');
      store.setFact('a', '2');
    }
    using store = await openSqliteStore(path);
    expect(store.fact('a')).toBe('2');
  });
});

describe('port leases', () => {
  it('are given until all are taken, and again when one is given back', async () => {
    using store = await openSqliteStore(path);
    store.create(resolvedVm('box'), { state: 'created' });
    const lease = (): number | undefined => store.leasePort('box', self, 3);
    expect([lease(), lease(), lease(), lease()]).toEqual([0, 1, 2, undefined]);
    store.releasePort('box', 1, self);
    expect(lease()).toBe(1);
  });

  it('of a dead process are free', async () => {
    using store = await openSqliteStore(path);
    store.create(resolvedVm('box'), { state: 'created' });
    store.leasePort('box', { ...self, startTicks: self.startTicks - 1 }, 1);
    expect(store.leasePort('box', self, 1)).toBe(0);
    expect(store.leasePort('box', self, 1)).toBeUndefined();
  });

  it('cannot be given back by another process', async () => {
    using store = await openSqliteStore(path);
    store.create(resolvedVm('box'), { state: 'created' });
    store.leasePort('box', self, 1);
    store.releasePort('box', 0, { ...self, pid: 1 });
    expect(store.leasePort('box', self, 1)).toBeUndefined();
  });

  it('are free when their owner cannot be read', async () => {
    using store = await openSqliteStore(path);
    store.create(resolvedVm('box'), { state: 'created' });
    store.leasePort('box', self, 1);
    for (const owner of ['{', '{}', '7']) {
      await tamper(`UPDATE port_leases SET owner = '${owner}'`);
      expect(store.leasePort('box', self, 1)).toBe(0);
    }
  });

  it('go with their VM', async () => {
    using store = await openSqliteStore(path);
    const box = store.create(resolvedVm('box'), { state: 'created' });
    store.leasePort('box', self, 1);
    store.remove(box);
    store.create(resolvedVm('box'), { state: 'created' });
    expect(store.leasePort('box', self, 1)).toBe(0);
  });
});

describe('a locked store', () => {
  it('is busy for those who write, and only for them', async () => {
    await storeWith(resolvedVm('box'));
    using store = await openSqliteStore(path, 1);
    const other = await openSqlDatabase(path);
    other.exec('BEGIN IMMEDIATE');
    try {
      const busy = expect.objectContaining({
        code: 'BUSY',
        hint: expect.stringContaining('fuser') as unknown,
      }) as Error;
      expect(() => store.create(resolvedVm('new'), { state: 'created' })).toThrow(busy);
      expect(() => store.setFact('a', 'b')).toThrow(busy);
      expect(() => store.leasePort('box', self, 3)).toThrow(busy);
      expect(store.find('box')).toBeDefined();
    } finally {
      other.exec('ROLLBACK');
      other.close();
    }
    expect(store.leasePort('box', self, 3)).toBe(0);
  });
});

describe('a damaged store', () => {
  it('shows a damaged row, gives all others, and lets the row be removed', async () => {
    await storeWith(resolvedVm('good'), resolvedVm('bad'));
    await tamper(`UPDATE vms SET vm = '{"vmId":"bad"}' WHERE id = 'bad'`);
    using store = await openSqliteStore(path);
    const { records, damaged } = store.list();
    expect(records.map(({ vm }) => vm.vmId)).toEqual(['good']);
    expect(damaged).toMatchObject([{ vmId: 'bad', error: { code: 'STORE_INVALID' } }]);
    expect(() => store.find('bad')).toThrow(expect.objectContaining({ code: 'STORE_INVALID' }));
    store.removeDamaged('bad');
    expect(store.list().damaged).toEqual([]);
  });

  it('of a newer smolvm is refused and stays as it is', async () => {
    await storeWith(resolvedVm('box'));
    await tamper(`PRAGMA user_version = ${SCHEMA_VERSION + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
    const before = readFileSync(path);
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: 'STORE_INVALID',
      details: { found: SCHEMA_VERSION + 1 },
    });
    expect(readFileSync(path)).toEqual(before);
  });

  it('that is no database is refused and stays as it is', async () => {
    writeFileSync(path, 'these are my notes, not a database\n'.repeat(100));
    const before = readFileSync(path);
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: 'STORE_INVALID',
      hint: expect.stringContaining(path) as unknown,
    });
    expect(readFileSync(path)).toEqual(before);
  });

  it('that was cut off is refused', async () => {
    await storeWith(...Array.from({ length: 30 }, (_, index) => resolvedVm(`vm-${index}`)));
    const copy = await copyOfFile();
    truncateSync(copy, 5_000);
    await expect(openAndList(copy)).rejects.toMatchObject({ code: 'STORE_INVALID' });
  });

  it('with overwritten pages is refused', async () => {
    await storeWith(...Array.from({ length: 30 }, (_, index) => resolvedVm(`vm-${index}`)));
    const copy = await copyOfFile();
    const file = openSync(copy, 'r+');
    writeSync(file, Buffer.alloc(statSync(copy).size - 4_096, 0x5a), 0, null, 4_096);
    closeSync(file);
    await expect(openAndList(copy)).rejects.toMatchObject({ code: 'STORE_INVALID' });
  });

  it.skipIf(process.getuid?.() === 0)(
    'that may not be written is a matter of permissions (root may always)',
    async () => {
      await storeWith();
      chmodSync(path, 0o000);
      await expect(openSqliteStore(path)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    },
  );

  it('in a folder that is not there cannot be opened', async () => {
    await expect(openSqliteStore(join(folder(), 'none/smolvm.db'))).rejects.toMatchObject({
      code: 'HOST_FAILED',
    });
  });

  /** A file that no open connection has in its cache. */
  async function copyOfFile(): Promise<string> {
    await tamper('PRAGMA wal_checkpoint(TRUNCATE)');
    copyFileSync(path, `${path}.copy`);
    return `${path}.copy`;
  }

  async function openAndList(file: string): Promise<void> {
    using store = await openSqliteStore(file);
    store.list();
  }
});
