import { ValidationError } from '../errors.ts';
import { fileProblems } from './file-problems.ts';
import { accepted, isRecord, kindOf } from './parse.ts';
import { VM_CONFIG_JSON_SCHEMA } from './vm-config-json-schema.ts';
import type { BackendChoice } from './backend-names.ts';
import { checkFields, vmConfigSchema, type DiskMode } from './vm-fields.ts';
import { newVmId } from './vm-id.ts';
import type { VmOptions } from './vm-spec.ts';

/** What a {@link VMConfig} is made from: options of a VM of which kernel and root file system are given. */
export interface VMConfigFields extends VmOptions {
  readonly kernelPath: string;
  readonly rootfsPath: string;
}

const WHAT = 'VMConfig';

/**
 * A VM that can be made, complete and checked: every field has its value, kernel and root file system are there. Frozen;
 * a change makes another one.
 *
 * @example
 * ```ts
 * const config = new VMConfig({ vmId: 'api', memSizeMib: 1024, kernelPath: './vmlinux', rootfsPath: './root.ext4' });
 * const larger = config.with({ memSizeMib: 2048 });
 * ```
 */
export class VMConfig implements VMConfigFields {
  readonly vmId: string;
  readonly vcpuCount: number;
  readonly memSizeMib: number;
  /** Null: as large as the image, or as the disk that was retained. */
  readonly diskSizeMib: number | null;
  readonly kernelPath: string;
  readonly rootfsPath: string;
  readonly bootArgs: string;
  /** Null, as `auto`: the first backend that works on this host. */
  readonly backend: BackendChoice | null;
  readonly diskMode: DiskMode;
  readonly retainDiskOnDelete: boolean;
  readonly envVars: Readonly<Record<string, string>>;

  /**
   * @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once. It never shows the values of `envVars`.
   */
  constructor(fields: VMConfigFields) {
    const parsed = parseConfig(fields);
    this.vmId = parsed.vmId ?? newVmId();
    this.vcpuCount = parsed.vcpuCount;
    this.memSizeMib = parsed.memSizeMib;
    this.diskSizeMib = parsed.diskSizeMib;
    this.kernelPath = parsed.kernelPath;
    this.rootfsPath = parsed.rootfsPath;
    this.bootArgs = parsed.bootArgs;
    this.backend = parsed.backend;
    this.diskMode = parsed.diskMode;
    this.retainDiskOnDelete = parsed.retainDiskOnDelete;
    this.envVars = parsed.envVars;
    Object.freeze(this);
  }

  /** The fields as JSON Schema 2020-12, for forms and editors. It says all but what only this host knows. */
  static jsonSchema(): Readonly<Record<string, unknown>> {
    return structuredClone(VM_CONFIG_JSON_SCHEMA);
  }

  /** A new config with these fields changed, checked as a whole. What is `undefined` stays as it is. */
  with(changes: Partial<VMConfigFields>): VMConfig {
    if (!isRecord(changes))
      throw new ValidationError(WHAT, [`expected an object of changes, received ${kindOf(changes)}`]);
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    return new VMConfig({ ...this.toJSON(), ...Object.fromEntries(given) });
  }

  /** All fields, also the values of `envVars`: plain data from which `new VMConfig` makes an equal one. */
  toJSON(): Required<VMConfigFields> {
    return Object.fromEntries(Object.entries(this)) as Required<VMConfigFields>;
  }
}

function parseConfig(input: unknown) {
  const missing = isRecord(input) ? fileProblems(input, ['kernelPath', 'rootfsPath']) : [];
  return accepted(checkFields(vmConfigSchema, input), WHAT, missing);
}
