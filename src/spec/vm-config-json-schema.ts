import { BACKEND_CHOICES } from './backend-names.ts';
import {
  BOOT_ARGS_PATTERN,
  DEFAULT_BOOT_ARGS,
  MAX_BOOT_ARGS_BYTES,
  RESERVED_BOOT_ARGS,
} from './boot-args.ts';
import { CHANNELS } from './channel.ts';
import { SSH_PUBLIC_KEY_PATTERN } from './ssh-public-key.ts';
import { ENV_VALUE_PATTERN } from './env-vars.ts';
import { ENV_NAME_PATTERN } from './run-options.ts';
import {
  DISK_MODES,
  DISK_SIZE_MIB,
  MAX_PATH_BYTES,
  MEM_SIZE_MIB,
  PATH_PATTERN,
  VCPU_COUNT,
} from './vm-fields.ts';
import { VM_ID_PATTERN } from './vm-id.ts';

/** The fields as JSON Schema 2020-12: all that it can say of them. */
export const VM_CONFIG_JSON_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'VMConfig',
  type: 'object',
  additionalProperties: false,
  required: ['kernelPath', 'rootfsPath'],
  properties: {
    vmId: { type: ['string', 'null'], pattern: VM_ID_PATTERN.source, default: null },
    vcpuCount: integerSchema(VCPU_COUNT),
    memSizeMib: integerSchema(MEM_SIZE_MIB),
    diskSizeMib: {
      type: ['integer', 'null'],
      minimum: DISK_SIZE_MIB.lowest,
      maximum: DISK_SIZE_MIB.highest,
      default: null,
    },
    kernelPath: pathSchema(),
    rootfsPath: pathSchema(),
    bootArgs: {
      type: 'string',
      maxLength: MAX_BOOT_ARGS_BYTES,
      pattern: BOOT_ARGS_PATTERN.source,
      not: { pattern: RESERVED_BOOT_ARGS.source },
      default: DEFAULT_BOOT_ARGS,
    },
    backend: { enum: [...BACKEND_CHOICES, null], default: null },
    diskMode: { enum: [...DISK_MODES], default: 'isolated' },
    retainDiskOnDelete: { type: 'boolean', default: false },
    envVars: {
      type: 'object',
      propertyNames: { pattern: ENV_NAME_PATTERN.source },
      additionalProperties: { type: 'string', pattern: ENV_VALUE_PATTERN.source },
      default: {},
    },
    channel: { enum: [...CHANNELS], default: 'agent' },
    sshCapable: { type: ['boolean', 'null'], default: null },
    sshHostKey: { type: ['string', 'null'], pattern: SSH_PUBLIC_KEY_PATTERN.source, default: null },
  },
  allOf: [
    {
      if: { properties: { diskMode: { const: 'shared' } }, required: ['diskMode'] },
      then: { properties: { diskSizeMib: { type: 'null' } } },
    },
    {
      if: { properties: { channel: { const: 'ssh' } }, required: ['channel'] },
      then: { properties: { sshCapable: { enum: [true, null] } } },
    },
  ],
} as const;

function integerSchema({ lowest, highest, usual }: typeof VCPU_COUNT | typeof MEM_SIZE_MIB) {
  return { type: 'integer', minimum: lowest, maximum: highest, default: usual } as const;
}

function pathSchema() {
  return { type: 'string', pattern: PATH_PATTERN.source, maxLength: MAX_PATH_BYTES } as const;
}
