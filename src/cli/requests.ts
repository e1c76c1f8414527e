import type { ImageChoice, RunOptions, StartOptions, VmOptions } from '../index.ts';
import { UsageError } from './usage-error.ts';
import { parseDuration, parseEnv, parseGuestCommand, parseWholeNumber, type Env } from './parse-values.ts';

/** Options as commander hands them over: text, or nothing. */
export interface RawMachine {
  readonly vcpus?: string;
  readonly memory?: string;
  readonly kernel?: string;
  readonly rootfs?: string;
  readonly image?: string;
  readonly pull?: string;
  readonly backend?: string;
  readonly bootArgs?: string;
  readonly diskSize?: string;
  readonly diskMode?: string;
  readonly retainDisk?: true;
  readonly channel?: string;
  readonly ssh?: true;
  readonly sshHostKey?: string;
  readonly config?: string;
}
export interface RawStart {
  readonly bootTimeout?: string;
  readonly timings?: true;
}
export interface RawGuest {
  readonly cwd?: string;
  readonly user?: string;
  readonly env?: readonly string[];
  readonly interactive?: true;
  readonly timeout?: string;
  readonly shell?: string;
}
export interface RawExec extends RawGuest {
  readonly tty?: true;
  readonly detach?: true;
}

/** A new VM, parsed but for the file. */
export interface MachineRequest {
  /** A file with further fields, to be read when all else is known to be well formed. */
  readonly configFile: string | undefined;
  readonly fields: VmOptions & ImageChoice;
}

/** A start, parsed. */
export interface StartRequest {
  readonly options: StartOptions;
  /** Print where the time went? */
  readonly timings: boolean;
}

/** A command for a guest, parsed: everything that can be refused is refused before a VM boots. */
export interface GuestRequest {
  readonly command: string | readonly string[];
  readonly options: RunOptions;
  /** Does it read our standard input? */
  readonly interactive: boolean;
}

export function machineRequest(raw: RawMachine, vmId?: string): MachineRequest {
  const fields: VmOptions & ImageChoice = {
    vmId,
    vcpuCount: optional(raw.vcpus, (text) => parseWholeNumber('--vcpus', text)),
    memSizeMib: optional(raw.memory, (text) => parseWholeNumber('--memory', text)),
    kernelPath: raw.kernel,
    rootfsPath: raw.rootfs,
    image: raw.image,
    pull: raw.pull as ImageChoice['pull'],
    // Names are for the SDK to judge.
    backend: raw.backend as VmOptions['backend'],
    bootArgs: raw.bootArgs,
    diskSizeMib: optional(raw.diskSize, (text) => parseWholeNumber('--disk-size', text)),
    diskMode: raw.diskMode as VmOptions['diskMode'],
    retainDiskOnDelete: raw.retainDisk,
    channel: raw.channel as VmOptions['channel'],
    sshCapable: raw.ssh,
    sshHostKey: raw.sshHostKey,
  };
  return { configFile: raw.config, fields };
}

export function startRequest(raw: RawStart): StartRequest {
  const bootTimeoutMs = optional(raw.bootTimeout, (text) => parseDuration('--boot-timeout', text));
  return { options: { bootTimeoutMs }, timings: raw.timings === true };
}

/** @param ofImage - is a command only what an image adds to, so that none need be given? */
export function guestRequest(
  words: readonly string[],
  raw: RawGuest,
  ours: Env,
  ofImage = false,
): GuestRequest {
  const isLeftToImage = ofImage && words.length === 0 && raw.shell === undefined;
  return {
    command: isLeftToImage ? [] : parseGuestCommand(words, raw.shell),
    options: optionsOf(raw, ours),
    interactive: raw.interactive === true,
  };
}

/** As whom, where, with what and how long a command runs. */
export function optionsOf(raw: RawGuest, ours: Env): RunOptions {
  return {
    cwd: raw.cwd,
    user: raw.user,
    env: parseEnv(raw.env ?? [], ours),
    timeoutMs: optional(raw.timeout, (text) => parseDuration('--timeout', text)),
  };
}

/** The same on our terminal: the command should know of which kind it is. */
export function onTerminal(options: RunOptions, ours: Env): RunOptions {
  const term = ours['TERM'] ?? '';
  return term === '' ? options : { ...options, env: { TERM: term, ...options.env } };
}

/** How a command of `exec` and we are connected: by streams, by our terminal, or not for long. */
export type ExecMode = 'streamed' | 'onTerminal' | 'detached';

export function execMode({ tty, detach, interactive, timeout }: RawExec): ExecMode {
  if (detach !== true) return tty === true ? 'onTerminal' : 'streamed';
  const others = { '-i': interactive, '-t': tty, '--timeout': timeout };
  const clash = Object.entries(others).find(([, value]) => value !== undefined);
  if (clash === undefined) return 'detached';
  throw new UsageError(`${clash[0]} makes no sense with -d: nobody waits for the command`);
}

export function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}
