import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../errors.ts';
import type { VmRecord, VmStatus } from '../spec/vm-record.ts';
import { decodeRow } from './row-codec.ts';

const ref = { pid: 7, startTicks: 99, bootId: 'boot' };
const vm = {
  vmId: 'box',
  vcpuCount: 2,
  memSizeMib: 512,
  backend: 'qemu',
  kernelPath: '/k',
  initrdPath: '/i',
  rootfsPath: '/r',
  bootArgs: '',
  boot: { kind: 'agent' },
  defaults: null,
  channel: 'agent',
  sshCapable: false,
  diskMode: 'isolated',
  retainDiskOnDelete: false,
  diskSizeBytes: 1_048_576,
  imageIdentity: null,
  owner: null,
};

function rowOf(vmObject: unknown, status: unknown): Record<string, unknown> {
  return {
    seq: 1,
    id: 'box',
    revision: 3,
    vm: JSON.stringify(vmObject),
    status: JSON.stringify(status),
    created_at: '2024-01-01T00:00:00.000Z',
  };
}

const statuses: readonly VmStatus[] = [
  { state: 'creating', by: ref },
  { state: 'created' },
  { state: 'starting', by: ref },
  { state: 'running', vmm: ref },
  { state: 'paused', vmm: ref },
  { state: 'running', vmm: ref, agentless: true },
  { state: 'stopping', by: ref, vmm: ref },
  { state: 'stopped' },
  { state: 'failed', reason: 'it broke' },
  { state: 'deleting', by: ref },
];

/** What decoding gives; any error but STORE_INVALID escapes. */
function decode(row: unknown): VmRecord | 'damaged' {
  try {
    return decodeRow(row);
  } catch (error) {
    if (isSmolVMError(error, 'STORE_INVALID')) return 'damaged';
    throw error;
  }
}

describe('decodeRow', () => {
  it.each(statuses)('reads a VM that is $state', (status) => {
    const owned = { ...vm, owner: ref };
    expect(decodeRow(rowOf(owned, status))).toEqual({
      vm: owned,
      status,
      revision: 3,
      createdAt: '2024-01-01T00:00:00.000Z',
    });
  });

  it('reads a VM that boots its own init, with the defaults of its image', () => {
    const direct = {
      ...vm,
      initrdPath: null,
      boot: { kind: 'direct', commandLine: 'root=/dev/vda init=/init' },
      defaults: { env: { PATH: '/bin' }, workdir: '/srv', user: 'app' },
      channel: 'ssh',
      sshCapable: true,
    };
    expect(decodeRow(rowOf(direct, { state: 'created' })).vm).toEqual(direct);
  });

  it('names the VM and the way out when the row is damaged', () => {
    expect(() => decodeRow({ ...rowOf(vm, { state: 'created' }), vm: '{' })).toThrow(
      expect.objectContaining({
        code: 'STORE_INVALID',
        details: { vmId: 'box' },
        hint: expect.stringContaining('smolvm delete box') as unknown,
      }),
    );
  });

  const fields = Object.keys(vm) as (keyof typeof vm)[];
  it.each(fields)('refuses a VM without %s', (field) => {
    const rest: Record<string, unknown> = { ...vm };
    Reflect.deleteProperty(rest, field);
    expect(decode(rowOf(rest, { state: 'created' }))).toBe('damaged');
  });

  it.each(fields)('refuses a VM whose %s is a list', (field) => {
    expect(decode(rowOf({ ...vm, [field]: [] }, { state: 'created' }))).toBe('damaged');
  });

  it.each([
    ['a field that nobody knows', rowOf({ ...vm, extra: 1 }, { state: 'created' })],
    ['the id of another VM', rowOf({ ...vm, vmId: 'other' }, { state: 'created' })],
    ['an id that is a path', { ...rowOf({ ...vm, vmId: '../x' }, { state: 'created' }), id: '../x' }],
    ['no CPU', rowOf({ ...vm, vcpuCount: 0 }, { state: 'created' })],
    ['a negative size', rowOf({ ...vm, diskSizeBytes: -1 }, { state: 'created' })],
    ['a state that nobody knows', rowOf(vm, { state: 'flying' })],
    ['a running VM without its VMM', rowOf(vm, { state: 'running' })],
    ['a paused VM without its VMM', rowOf(vm, { state: 'paused' })],
    ['a stopped VM with a VMM', rowOf(vm, { state: 'stopped', vmm: ref })],
    ['a pid that is text', rowOf(vm, { state: 'running', vmm: { ...ref, pid: '7' } })],
    ['a revision that is no number', { ...rowOf(vm, { state: 'created' }), revision: 'x' }],
    ['a boot that nobody knows', rowOf({ ...vm, boot: { kind: 'firmware' } }, { state: 'created' })],
    ['a direct boot without its words', rowOf({ ...vm, boot: { kind: 'direct' } }, { state: 'created' })],
    ['a channel that nobody knows', rowOf({ ...vm, channel: 'x' }, { state: 'created' })],
    ['half of the defaults', rowOf({ ...vm, defaults: { env: {} } }, { state: 'created' })],
    ['a stopped VM without agent', rowOf(vm, { state: 'stopped', agentless: true })],
    ['no row at all', undefined],
  ])('refuses %s', (_what, row) => {
    expect(decode(row)).toBe('damaged');
  });

  it('reads a row or calls it damaged, whatever was done to it', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(...statuses, vm, ref), fc.integer(), fc.string());
    const change = fc.record({
      where: fc.constantFrom('row', 'vm', 'status'),
      key: fc.oneof(
        fc.constantFrom(...fields, 'id', 'vm', 'status', 'state', 'by', 'vmm', 'pid'),
        fc.string(),
      ),
      value,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...statuses),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (status, changes) => {
          const patched = (where: string): object =>
            Object.fromEntries(
              changes.filter((one) => one.where === where).map((one) => [one.key, one.value]),
            );
          const row = {
            ...rowOf({ ...vm, ...patched('vm') }, { ...status, ...patched('status') }),
            ...patched('row'),
          };
          const result = decode(row);
          if (result === 'damaged') return;
          expect(result.vm.vmId).toBe((row as { id: unknown }).id);
          expect(Object.keys(result.vm).sort()).toEqual([...fields].sort());
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('reads a row or calls it damaged when its text was cut or flipped', () => {
    const text = JSON.stringify({ ...vm, owner: ref });
    fc.assert(
      fc.property(fc.nat(text.length), fc.string({ unit: 'binary', maxLength: 3 }), (at, noise) => {
        const damaged = text.slice(0, at) + noise + text.slice(at + 1);
        decode({ ...rowOf(vm, { state: 'created' }), vm: damaged });
        decode({ ...rowOf(vm, { state: 'created' }), status: damaged });
        expect(decode({ ...rowOf(vm, { state: 'created' }), vm: text.slice(0, at - 1) })).toBe('damaged');
      }),
      { numRuns: 500 },
    );
  });
});
