import * as v from 'valibot';
import { ValidationError } from '../errors.ts';
import { BACKEND_CHOICES, type BackendChoice } from './backend-names.ts';
import { directTextProblem } from './boot-args.ts';
import { DirectKernelBoot, type DirectKernelBootFields } from './direct-kernel-boot.ts';
import { fileProblems } from './file-problems.ts';
import { ARCH_NAMES, hostArch, type ArchName } from './guest-arch.ts';
import { imageConfigSchema, type ImageConfig } from './image-config.ts';
import { accepted, checkWith, isRecord, kindOf, shown } from './parse.ts';
import { oneOf, pathSchema } from './vm-fields.ts';

/** What a `BootImage` is made from. */
export interface BootImageFields {
  /** For people. Blanks around it are taken off. */
  readonly name: string;
  /** A raw ext4 image. */
  readonly rootfsPath: string;
  /** Default, and all there is: `raw-ext4`. */
  readonly rootfsFormat?: 'raw-ext4' | undefined;
  /** An uncompressed ELF kernel with a PVH entry. Default: the kernel that comes with smolvm. */
  readonly kernelPath?: string | null | undefined;
  /** An initrd for a direct boot. Default: none. */
  readonly initrdPath?: string | null | undefined;
  /**
   * How it boots. A {@link DirectKernelBoot}: the kernel runs the image's own init. `agent`: smolvm's agent is the first
   * process and nothing has to be in the image. Either this or `bootArgs`.
   */
  readonly boot?: DirectKernelBoot | DirectKernelBootFields | 'agent' | null | undefined;
  /** The kernel's command line as text, for a direct boot. */
  readonly bootArgs?: string | null | undefined;
  /** The backend that it was made for. Default: any. */
  readonly backend?: BackendChoice | null | undefined;
  /** The architecture that it was made for. Default: that of this host. */
  readonly arch?: ArchName | null | undefined;
  /** Does it start an SSH server that takes our credentials? Default false. */
  readonly sshCapable?: boolean | undefined;
  /** How its processes are meant to run. Default: not known. */
  readonly config?: ImageConfig | null | undefined;
}

export const BOOT_IMAGE = 'BootImage';
const MAX_NAME_BYTES = 255;
const NAME_RULE = `expected a name of 1 to ${String(MAX_NAME_BYTES)} bytes without control characters`;

const fieldsSchema = v.strictObject({
  name: v.pipe(
    v.string(NAME_RULE),
    v.trim(),
    v.regex(/^[^\u0000-\u001f\u007f]+$/, NAME_RULE),
    v.maxBytes(MAX_NAME_BYTES, NAME_RULE),
  ),
  rootfsPath: pathSchema,
  rootfsFormat: v.optional(
    v.literal('raw-ext4', 'expected raw-ext4, the only format there is (qemu-img convert -O raw makes it)'),
    'raw-ext4',
  ),
  kernelPath: v.nullish(pathSchema, null),
  initrdPath: v.nullish(pathSchema, null),
  boot: v.nullish(v.unknown(), null),
  bootArgs: v.nullish(
    v.pipe(
      v.string('expected kernel arguments'),
      v.trim(),
      v.nonEmpty('expected kernel arguments that are not blank'),
      v.rawCheck(({ dataset, addIssue }) => {
        const problem = dataset.typed ? directTextProblem(dataset.value) : undefined;
        if (problem !== undefined) addIssue({ message: problem });
      }),
    ),
    null,
  ),
  backend: v.nullish(oneOf(BACKEND_CHOICES), null),
  arch: v.nullish(oneOf(ARCH_NAMES), null),
  sshCapable: v.optional(v.boolean('expected true or false'), false),
  config: v.nullish(imageConfigSchema, null),
});

/** Input → fields and boot, or every problem at once. */
export function parseBootImage(input: unknown) {
  if (!isRecord(input))
    throw new ValidationError(BOOT_IMAGE, [`expected an object of fields, received ${kindOf(input)}`]);
  const fields = { ...input };
  const { boot, problems } = checkBoot(fields['boot'] ?? null);
  const parsed = accepted(checkWith(fieldsSchema, fields), BOOT_IMAGE, [
    ...problems,
    ...contradictions(fields),
    ...fileProblems(fields, ['rootfsPath', 'kernelPath', 'initrdPath']),
  ]);
  return { parsed, boot };
}

type CheckedBoot = DirectKernelBoot | 'agent' | null;
type Input = Readonly<Record<string, unknown>>;

function checkBoot(boot: unknown): { readonly boot: CheckedBoot; readonly problems: readonly string[] } {
  if (boot === null || boot === 'agent' || boot instanceof DirectKernelBoot) return { boot, problems: [] };
  const rule = "boot: expected a DirectKernelBoot or 'agent' (there is no boot by firmware)";
  if (!isRecord(boot)) return { boot: null, problems: [`${rule}, received ${shown(boot)}`] };
  try {
    return { boot: new DirectKernelBoot(boot), problems: [] };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { boot: null, problems: error.problems.map((problem) => `boot.${problem}`) };
  }
}

/** Fields that are well formed and cannot be had together. */
function contradictions({ boot, bootArgs, initrdPath, arch }: Input): readonly string[] {
  const [hasBoot, hasArgs] = [boot ?? null, bootArgs ?? null].map((value) => value !== null);
  return [
    ...(hasBoot && hasArgs ? ['boot, bootArgs: are mutually exclusive'] : []),
    ...(!hasBoot && !hasArgs ? ['boot, bootArgs: one of them is required'] : []),
    ...(boot === 'agent' && (initrdPath ?? null) !== null
      ? ["initrdPath: a boot with the agent has smolvm's own initrd"]
      : []),
    ...(arch === 'host' && hostArch() === undefined
      ? [`arch: there are no guests for this host (${process.arch})`]
      : []),
  ];
}
