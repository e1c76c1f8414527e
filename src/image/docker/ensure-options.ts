import * as v from 'valibot';
import { ValidationError } from '../../errors.ts';
import { BACKEND_CHOICES, type BackendChoice } from '../../spec/backend-names.ts';
import { directTextProblem } from '../../spec/boot-args.ts';
import { DirectKernelBoot, type DirectKernelBootFields } from '../../spec/direct-kernel-boot.ts';
import { ARCH_NAMES, guestArch, type ArchName, type GuestArch } from '../../spec/guest-arch.ts';
import { accepted, checkWith, isRecord, kindOf } from '../../spec/parse.ts';
import { oneOf } from '../../spec/vm-fields.ts';
import type { OnImageProgress } from './image-progress.ts';

/** For what an image is prepared, and how it boots: `boot` or `bootArgs`. */
export interface EnsureOptions {
  /** The same root file system is used for each. */
  readonly backend: BackendChoice;
  /** Default `host`. */
  readonly arch?: ArchName | undefined;
  /** How the kernel boots the image, or `agent`: smolvm's agent is its first process, which is not its own `/init`. */
  readonly boot?: DirectKernelBoot | DirectKernelBootFields | 'agent' | undefined;
  /** The kernel's command line as text. */
  readonly bootArgs?: string | undefined;
  /** Gives up; what was begun is removed. */
  readonly signal?: AbortSignal | undefined;
  /** Is told what the build does. */
  readonly onProgress?: OnImageProgress | undefined;
}

const WHAT = 'DockerRootfsBuilder.ensure';

const schema = v.strictObject({
  backend: oneOf(BACKEND_CHOICES),
  arch: v.optional(oneOf(ARCH_NAMES), 'host'),
  boot: v.optional(v.unknown()),
  bootArgs: v.optional(v.string('expected kernel arguments')),
  signal: v.optional(v.instance(AbortSignal, 'expected an AbortSignal')),
  onProgress: v.optional(
    v.custom<OnImageProgress>((value) => typeof value === 'function', 'expected a function'),
  ),
});

/** Options → checked, before anything is read or built. */
export function parseEnsureOptions(options: unknown): {
  readonly backend: BackendChoice;
  readonly arch: GuestArch;
  readonly boot: DirectKernelBoot | 'agent' | undefined;
  readonly bootArgs: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnImageProgress | undefined;
} {
  if (!isRecord(options))
    throw new ValidationError(WHAT, [`expected an object of options, received ${kindOf(options)}`]);
  const { boot, bootArgs } = options;
  const both = boot !== undefined && bootArgs !== undefined;
  const neither = boot === undefined && bootArgs === undefined;
  const badText = typeof bootArgs === 'string' ? bootArgsProblem(bootArgs) : undefined;
  const parsed = accepted(checkWith(schema, options), WHAT, [
    ...(both ? ['boot, bootArgs: are mutually exclusive'] : []),
    ...(neither ? ['boot, bootArgs: one of them is required'] : []),
    ...(badText === undefined ? [] : [`bootArgs: ${badText}`]),
  ]);
  const arch = guestArch(parsed.arch);
  if (arch === undefined)
    throw new ValidationError(WHAT, [`arch: there are no guests for this host (${process.arch})`]);
  return {
    backend: parsed.backend,
    arch,
    boot: boot === undefined || boot === 'agent' ? boot : asBoot(boot),
    bootArgs: parsed.bootArgs,
    signal: parsed.signal,
    onProgress: parsed.onProgress,
  };
}

function bootArgsProblem(text: string): string | undefined {
  return text.trim() === '' ? 'expected kernel arguments that are not blank' : directTextProblem(text);
}

function asBoot(boot: unknown): DirectKernelBoot {
  if (boot instanceof DirectKernelBoot) return boot;
  if (!isRecord(boot)) throw new ValidationError(WHAT, [`boot: expected a DirectKernelBoot or 'agent'`]);
  return new DirectKernelBoot(boot);
}
