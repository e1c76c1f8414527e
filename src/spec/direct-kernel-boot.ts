import * as v from 'valibot';
import { ValidationError } from '../errors.ts';
import type { BackendName } from './backend-names.ts';
import { directTextProblem } from './boot-args.ts';
import type { GuestArch } from './guest-arch.ts';
import { isRecord, kindOf, parseWith } from './parse.ts';

/** What a {@link DirectKernelBoot} is made from. All of it may be left out. */
export interface DirectKernelBootFields {
  /** Guest device of the root disk. Default `/dev/vda`. */
  readonly root?: string | undefined;
  /** Path in the image of the first process; null: what the kernel looks for by itself. Default `/init`. */
  readonly init?: string | null | undefined;
  /** Is the root disk mounted writable? Default true. */
  readonly rw?: boolean | undefined;
  /** Does the kernel write to the serial console? Default `serial`. */
  readonly console?: 'serial' | 'none' | undefined;
  /** Seconds until a reboot after a panic; 0: never, below 0: at once. Default 1. */
  readonly panic?: number | undefined;
  /** How the kernel reboots. Default `k`, the keyboard controller. */
  readonly reboot?: string | undefined;
  /** Skip checks of clocks that virtual machines pass anyway? Default true. */
  readonly safeTrims?: boolean | undefined;
  /** Keep kernel messages off the console? Null: unless the boot is to be verbose. Default null. */
  readonly quiet?: boolean | null | undefined;
  /** More words, each without white space. Default none. */
  readonly extraArgs?: readonly string[] | undefined;
}

/** For what a boot is rendered. */
export interface RenderTarget {
  readonly backend: BackendName;
  readonly arch: GuestArch;
  /** Leaves out a `quiet` that nobody asked for. `SMOLVM_VERBOSE_BOOT=1` sets it. Default false. */
  readonly verboseBoot?: boolean | undefined;
}

const WORD_RULE = 'expected one word: no white space, no control characters, paired quotes';
const word = v.pipe(
  v.string(WORD_RULE),
  v.check((text) => isWord(text), WORD_RULE),
);
const flag = v.boolean('expected true or false');
const MAX_PANIC_SECONDS = 86_400;
const panicRule = `expected whole seconds from -1 to ${String(MAX_PANIC_SECONDS)}`;
const MAX_EXTRA_ARGS = 128;

const fieldsSchema = v.strictObject({
  root: v.optional(word, '/dev/vda'),
  init: v.optional(v.nullable(word), '/init'),
  rw: v.optional(flag, true),
  console: v.optional(v.picklist(['serial', 'none'], 'expected serial or none'), 'serial'),
  panic: v.optional(
    v.pipe(
      v.number(panicRule),
      v.integer(panicRule),
      v.minValue(-1, panicRule),
      v.maxValue(MAX_PANIC_SECONDS, panicRule),
    ),
    1,
  ),
  reboot: v.optional(word, 'k'),
  safeTrims: v.optional(flag, true),
  quiet: v.optional(v.nullable(flag), null),
  extraArgs: v.optional(
    v.pipe(
      v.array(word, 'expected a list of words'),
      v.maxLength(MAX_EXTRA_ARGS, `expected at most ${String(MAX_EXTRA_ARGS)} words`),
    ),
    [],
  ),
});

const WHAT = 'DirectKernelBoot';

/**
 * How a kernel boots an image by itself: it mounts the root disk and runs the image's own init. Frozen.
 *
 * @example
 * ```ts
 * const boot = new DirectKernelBoot({ init: '/sbin/init', extraArgs: ['loglevel=7'] });
 * console.log(boot.render({ backend: 'qemu', arch: 'amd64' }));
 * ```
 */
export class DirectKernelBoot implements DirectKernelBootFields {
  readonly root: string;
  readonly init: string | null;
  readonly rw: boolean;
  readonly console: 'serial' | 'none';
  readonly panic: number;
  readonly reboot: string;
  readonly safeTrims: boolean;
  readonly quiet: boolean | null;
  readonly extraArgs: readonly string[];

  /** @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once */
  constructor(fields: DirectKernelBootFields = {}) {
    if (!isRecord(fields))
      throw new ValidationError(WHAT, [`expected an object of fields, received ${kindOf(fields)}`]);
    const parsed = parseWith(fieldsSchema, { ...fields }, WHAT);
    this.root = parsed.root;
    this.init = parsed.init;
    this.rw = parsed.rw;
    this.console = parsed.console;
    this.panic = parsed.panic;
    this.reboot = parsed.reboot;
    this.safeTrims = parsed.safeTrims;
    this.quiet = parsed.quiet;
    this.extraArgs = Object.freeze([...parsed.extraArgs]);
    const problem = directTextProblem(this.render({ backend: 'firecracker', arch: 'arm64' }));
    if (problem !== undefined) throw new ValidationError(WHAT, [problem]);
    Object.freeze(this);
  }

  /** The kernel's command line as text. The backend adds what its machine needs when it boots. */
  render({ backend, arch, verboseBoot = false }: RenderTarget): string {
    const serial = arch === 'arm64' && backend === 'qemu' ? 'ttyAMA0' : 'ttyS0';
    return [
      ...(this.console === 'serial' ? [`console=${serial}`] : []),
      `reboot=${this.reboot}`,
      `panic=${String(this.panic)}`,
      ...(backend === 'firecracker' ? ['pci=off'] : []),
      `root=${this.root}`,
      this.rw ? 'rw' : 'ro',
      ...(this.init === null ? [] : [`init=${this.init}`]),
      ...(this.safeTrims ? ['tsc=reliable', 'no_timer_check'] : []),
      ...((this.quiet ?? !verboseBoot) ? ['quiet'] : []),
      ...this.extraArgs,
    ].join(' ');
  }

  /** All fields as plain data, from which `new DirectKernelBoot` makes an equal one. */
  toJSON(): Required<DirectKernelBootFields> {
    return Object.fromEntries(Object.entries(this)) as Required<DirectKernelBootFields>;
  }
}

function isWord(text: string): boolean {
  return text !== '' && !/[\s\u0000-\u001f\u007f]/.test(text) && text.split('"').length % 2 === 1;
}
