import * as v from 'valibot';
import { SmolVMError } from '../errors.ts';
import { CHANNELS } from '../spec/channel.ts';
import { imageConfigSchema } from '../spec/image-config.ts';
import { parseWith } from '../spec/parse.ts';
import { DISK_MODES } from '../spec/vm-fields.ts';
import { VM_ID_PATTERN } from '../spec/vm-id.ts';
import type { VmRecord } from '../spec/vm-record.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A stored reference to a process. */
export const processRefSchema = v.strictObject({ pid: count, startTicks: count, bootId: v.string() });

const bootSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('agent') }),
  v.strictObject({ kind: v.literal('direct'), commandLine: v.string() }),
]);

const { env, workdir, user } = imageConfigSchema.entries;

const resolvedVmSchema = v.strictObject({
  vmId: v.pipe(v.string(), v.regex(VM_ID_PATTERN)),
  vcpuCount: v.pipe(count, v.minValue(1)),
  memSizeMib: v.pipe(count, v.minValue(1)),
  backend: v.string(),
  kernelPath: v.string(),
  initrdPath: v.nullable(v.string()),
  rootfsPath: v.string(),
  bootArgs: v.string(),
  boot: bootSchema,
  defaults: v.nullable(v.strictObject({ env, workdir, user })),
  channel: v.picklist(CHANNELS),
  sshCapable: v.boolean(),
  diskMode: v.picklist(DISK_MODES),
  retainDiskOnDelete: v.boolean(),
  diskSizeBytes: count,
  imageIdentity: v.nullable(v.string()),
  owner: v.nullable(processRefSchema),
});

const vmStatusSchema = v.variant('state', [
  v.strictObject({ state: v.picklist(['creating', 'starting', 'deleting']), by: processRefSchema }),
  v.strictObject({ state: v.picklist(['created', 'stopped']) }),
  v.strictObject({ state: v.literal('failed'), reason: v.string() }),
  v.strictObject({
    state: v.picklist(['running', 'paused']),
    vmm: processRefSchema,
    agentless: v.exactOptional(v.literal(true)),
  }),
  v.strictObject({ state: v.literal('stopping'), by: processRefSchema, vmm: processRefSchema }),
]);

const rowSchema = v.object({
  id: v.string(),
  revision: count,
  vm: v.string(),
  status: v.string(),
  created_at: v.string(),
});

/** A stored row → record. A row that breaks its schema is `STORE_INVALID`, never half used. */
export function decodeRow(row: unknown): VmRecord {
  const id = v.is(v.object({ id: v.string() }), row) ? row.id : 'unknown';
  try {
    const raw = parseWith(rowSchema, row, 'row');
    const vm = parseWith(resolvedVmSchema, JSON.parse(raw.vm), 'vm');
    const status = parseWith(vmStatusSchema, JSON.parse(raw.status), 'status');
    if (vm.vmId !== raw.id) throw new Error(`the row of '${raw.id}' holds the VM '${vm.vmId}'`);
    return Object.freeze({ vm, status, revision: raw.revision, createdAt: raw.created_at });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SmolVMError('STORE_INVALID', `the stored record of VM '${id}' is damaged: ${reason}`, {
      hint: `Remove it and its files: smolvm delete ${id}`,
      details: { vmId: id },
      cause: error,
    });
  }
}
