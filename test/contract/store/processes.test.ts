import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, type Answer } from '../../support/child.ts';
import { resolvedVm } from '../../support/resolved-vm.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();

/** Starts that many processes on one database. */
async function processes(count: number): Promise<AsyncDisposable & { readonly all: readonly Child[] }> {
  const path = join(folder(), 'smolvm.db');
  const all = await Promise.all(Array.from({ length: count }, () => Child.store(path)));
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((child) => child[Symbol.asyncDispose]()));
    },
  };
}

function codesOf(answers: readonly Answer[]): string[] {
  return answers.map(({ error }) => error?.code ?? 'ok').sort();
}

describe('processes on one state database', () => {
  it('that all make it at once all find it made', async () => {
    await using children = await processes(6);
    expect(await Promise.all(children.all.map((child) => child.call({ call: 'list' })))).toEqual(
      children.all.map(() => ({ value: [] })),
    );
  });

  it('that all create one id: exactly one does', async () => {
    await using children = await processes(32);
    const answers = await Promise.all(
      children.all.map((child) => child.call({ call: 'create', args: [resolvedVm('box')] })),
    );
    expect(codesOf(answers)).toEqual([...Array.from({ length: 31 }, () => 'VM_ALREADY_EXISTS'), 'ok']);
  }, 60_000);

  it('that create different ids lose none of them', async () => {
    await using children = await processes(4);
    const ids = Array.from({ length: 40 }, (_, index) => `vm-${index}`);
    const answers = await Promise.all(
      children.all.map(async (child, nth) => {
        const own = ids.filter((_, index) => index % 4 === nth);
        for (const id of own) child.send({ call: 'create', args: [resolvedVm(id)] });
        const codes: string[] = [];
        for (const id of own) codes.push((await child.next()).error?.code ?? id);
        return codes;
      }),
    );
    expect(answers.flat().sort()).toEqual([...ids].sort());
    const { value } = (await children.all[0]?.call({ call: 'list' })) ?? {};
    expect([...(value as string[])].sort()).toEqual([...ids].sort());
  });

  it('that lease ports of the host for SSH get different ones, and each VM keeps its own', async () => {
    await using children = await processes(4);
    const ids = Array.from({ length: 12 }, (_, index) => `vm-${index}`);
    for (const id of ids) await children.all[0]?.call({ call: 'create', args: [resolvedVm(id)] });
    const lease = async (): Promise<unknown[]> =>
      Promise.all(
        children.all.map(async (child, nth) => {
          const own = ids.filter((_, index) => index % 4 === nth);
          const ports: unknown[] = [];
          for (const id of own) ports.push((await child.call({ call: 'leaseSshPort', args: [id] })).value);
          return ports;
        }),
      );
    const ports = await lease();
    expect(ports.flat().toSorted()).toEqual(ids.map((_, index) => 2_200 + index));
    expect(await lease()).toEqual(ports);
  });

  it('that all lease a port get different ones, and nobody gets one when there are none', async () => {
    await using children = await processes(6);
    const [first] = children.all;
    await first?.call({ call: 'create', args: [resolvedVm('box')] });
    const answers = await Promise.all(
      children.all.map((child) => child.call({ call: 'leasePort', args: ['box', 4] })),
    );
    expect(answers.map(({ value }) => value).sort()).toEqual([0, 1, 2, 3, null, null]);
  });

  it('get the port of a process that was killed', async () => {
    await using children = await processes(2);
    const [one, other] = children.all;
    await one?.call({ call: 'create', args: [resolvedVm('box')] });
    expect(await one?.call({ call: 'leasePort', args: ['box', 1] })).toEqual({ value: 0 });
    expect(await other?.call({ call: 'leasePort', args: ['box', 1] })).toEqual({ value: null });
    await one?.killHard();
    expect(await other?.call({ call: 'leasePort', args: ['box', 1] })).toEqual({ value: 0 });
  });
});
