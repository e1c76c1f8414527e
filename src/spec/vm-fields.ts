import * as v from 'valibot';
import { BACKEND_CHOICES } from './backend-names.ts';
import { bootArgsProblem, DEFAULT_BOOT_ARGS } from './boot-args.ts';
import { envVarsSchema } from './env-vars.ts';
import { checkWith, isRecord, kindOf, shownKey, type Checked } from './parse.ts';
import { CHANNELS } from './channel.ts';
import { VM_ID_PATTERN, VM_ID_RULE } from './vm-id.ts';

/** How a VM uses its image: a disk of its own over it, or the image itself. */
export const DISK_MODES = ['isolated', 'shared'] as const;

/** One of {@link DISK_MODES}. */
export type DiskMode = (typeof DISK_MODES)[number];

export const VCPU_COUNT = { lowest: 1, highest: 32, usual: 2 } as const;
export const MEM_SIZE_MIB = { lowest: 128, highest: 16_384, usual: 512 } as const;
/** 4 TiB: what one cluster of level-1 entries covers, so that a disk can grow without moving them. */
export const DISK_SIZE_MIB = { lowest: 1, highest: 4 * 1024 * 1024 } as const;
/** PATH_MAX of Linux without its NUL. */
export const MAX_PATH_BYTES = 4_095;
export const PATH_PATTERN = /^[^\u0000]+$/;

const wholeNumber = ({ lowest, highest }: { readonly lowest: number; readonly highest: number }) => {
  const message = `expected a whole number from ${String(lowest)} to ${String(highest)}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(lowest, message),
    v.maxValue(highest, message),
  );
};

/** A path of this host; whether anything is there is not looked at. */
export const pathSchema = v.pipe(
  v.string('expected a path'),
  v.regex(PATH_PATTERN, 'expected a path that is not empty'),
  v.maxBytes(MAX_PATH_BYTES, `expected a path of at most ${String(MAX_PATH_BYTES)} bytes`),
);

/** One of these names. */
export const oneOf = <const T extends readonly string[]>(names: T) =>
  v.picklist(names, `expected one of ${names.join(', ')}`);

const bootArgs = v.pipe(
  v.string('expected boot arguments'),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? bootArgsProblem(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

const common = {
  vmId: v.nullish(
    v.pipe(v.string(`expected ${VM_ID_RULE}`), v.regex(VM_ID_PATTERN, `expected ${VM_ID_RULE}`)),
    null,
  ),
  vcpuCount: v.optional(wholeNumber(VCPU_COUNT), VCPU_COUNT.usual),
  memSizeMib: v.optional(wholeNumber(MEM_SIZE_MIB), MEM_SIZE_MIB.usual),
  diskSizeMib: v.nullish(wholeNumber(DISK_SIZE_MIB), null),
  bootArgs: v.optional(bootArgs, DEFAULT_BOOT_ARGS),
  backend: v.nullish(oneOf(BACKEND_CHOICES), null),
  diskMode: v.optional(oneOf(DISK_MODES), 'isolated'),
  retainDiskOnDelete: v.optional(v.boolean('expected true or false'), false),
  envVars: v.optional(envVarsSchema, {}),
};

/** All fields of a VM; kernel and root file system are the user's own. */
export const vmConfigSchema = v.object({ ...common, kernelPath: pathSchema, rootfsPath: pathSchema });

/** The same where smolvm adds what is left out. */
export const vmOptionsSchema = v.object({
  ...common,
  kernelPath: v.optional(pathSchema),
  rootfsPath: v.optional(pathSchema),
});

/** What is left to choose where an image says how it boots. */
export const imageOptionsSchema = v.object({
  vmId: common.vmId,
  vcpuCount: v.optional(wholeNumber(VCPU_COUNT), 1),
  memSizeMib: common.memSizeMib,
  diskSizeMib: common.diskSizeMib,
  backend: common.backend,
  diskMode: common.diskMode,
  retainDiskOnDelete: common.retainDiskOnDelete,
  envVars: common.envVars,
  channel: v.optional(oneOf(CHANNELS), 'agent'),
});

type FieldsSchema = typeof vmConfigSchema | typeof vmOptionsSchema | typeof imageOptionsSchema;

/** Input → fields with their defaults, or every problem at once. Looks at no file. */
export function checkFields<S extends FieldsSchema>(schema: S, input: unknown): Checked<v.InferOutput<S>> {
  if (!isRecord(input))
    return { isGood: false, problems: [`expected an object of options, received ${kindOf(input)}`] };
  const checked = checkWith(schema, input);
  const problems = [...checked.problems, ...unknownNames(input, schema), ...contradictions(input)];
  return problems.length > 0 ? { isGood: false, problems } : checked;
}

function unknownNames(
  input: Readonly<Record<string, unknown>>,
  { entries }: FieldsSchema,
): readonly string[] {
  const names = Object.keys(input).filter((name) => !Object.hasOwn(entries, name));
  return names.map((name) => `${shownKey(name)}: is not an option`);
}

/** Fields that are well formed and cannot be had together. */
function contradictions({ diskMode, diskSizeMib }: Readonly<Record<string, unknown>>): readonly string[] {
  if (diskMode !== 'shared' || typeof diskSizeMib !== 'number') return [];
  return [`diskSizeMib: a shared disk is never resized, received ${String(diskSizeMib)}`];
}
