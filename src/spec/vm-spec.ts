import * as v from 'valibot';
import { parseWith } from './parse.ts';
import { timeoutMsSchema } from './run-options.ts';
import { newVmId, VM_ID_PATTERN, VM_ID_RULE } from './vm-id.ts';

/** What can be asked of a new VM. All of it may be left out. */
export interface VmOptions {
  /** 1 to 64 of `a-z0-9-`, no hyphen at the ends. Default: `vm-` and 8 random hexadecimal digits. */
  readonly vmId?: string | null | undefined;
  /** Virtual CPUs, 1 to 32. Default 2. */
  readonly vcpuCount?: number | undefined;
  /** Memory in MiB, 128 to 16384. Default 512. */
  readonly memSizeMib?: number | undefined;
  /** An uncompressed ELF kernel with a PVH entry. Default: the kernel that comes with smolvm. */
  readonly kernelPath?: string | undefined;
  /** A raw ext4 image. It is never written: the VM gets an overlay. Default: the base image of smolvm. */
  readonly rootfsPath?: string | undefined;
  /** Name of the VMM to use, or `auto`. Default `auto`. */
  readonly backend?: string | null | undefined;
}

/** Options after parsing: complete, frozen, but not yet compared with what this host has. */
export interface VmSpec {
  readonly vmId: string;
  readonly vcpuCount: number;
  readonly memSizeMib: number;
  readonly kernelPath: string | undefined;
  readonly rootfsPath: string | undefined;
  readonly backend: string;
}

const wholeNumber = (lowest: number, highest: number) => {
  const message = `expected a whole number from ${String(lowest)} to ${String(highest)}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(lowest, message),
    v.maxValue(highest, message),
  );
};

/** A path for an option list: not empty, no NUL. */
const pathText = v.pipe(
  v.string('expected a path'),
  v.regex(/^[^\0]+$/, 'expected a path that is not empty'),
);

const vmOptionsSchema = v.strictObject(
  {
    vmId: v.nullish(
      v.pipe(v.string(`expected ${VM_ID_RULE}`), v.regex(VM_ID_PATTERN, `expected ${VM_ID_RULE}`)),
    ),
    vcpuCount: v.optional(wholeNumber(1, 32), 2),
    memSizeMib: v.optional(wholeNumber(128, 16384), 512),
    kernelPath: v.optional(pathText),
    rootfsPath: v.optional(pathText),
    backend: v.nullish(
      v.pipe(v.string('expected the name of a backend'), v.minLength(1, 'expected a name')),
      'auto',
    ),
  },
  'expected an object of options',
);

/**
 * Options → spec. Pure: no file is looked at.
 *
 * @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once
 */
export function parseVmSpec(options: unknown): VmSpec {
  const parsed = parseWith(vmOptionsSchema, options, 'VM options');
  return Object.freeze({
    vmId: parsed.vmId ?? newVmId(),
    vcpuCount: parsed.vcpuCount,
    memSizeMib: parsed.memSizeMib,
    kernelPath: parsed.kernelPath,
    rootfsPath: parsed.rootfsPath,
    backend: parsed.backend,
  });
}

const startOptionsSchema = v.object({ bootTimeoutMs: v.optional(timeoutMsSchema, 30_000) });
const stopOptionsSchema = v.object({ timeoutMs: v.optional(timeoutMsSchema, 3_000) });

/** Parses what `start` is given, all but the signal. */
export function parseStartOptions(options: unknown): v.InferOutput<typeof startOptionsSchema> {
  return parseWith(startOptionsSchema, options, 'start options');
}

/** Parses what `stop` is given. */
export function parseStopOptions(options: unknown): v.InferOutput<typeof stopOptionsSchema> {
  return parseWith(stopOptionsSchema, options, 'stop options');
}
