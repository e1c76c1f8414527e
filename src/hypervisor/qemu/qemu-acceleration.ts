import { constants, existsSync } from 'node:fs';
import { Deadline } from '../../base/deadline.ts';
import { escapeText } from '../../base/escape-text.ts';
import { fileIdentity, mayAccess } from '../../base/find-program.ts';
import { hostBootId } from '../../base/process-ref.ts';
import { runHostCommand, type HostCommandResult } from '../../base/subprocess.ts';
import { isSmolVMError } from '../../errors.ts';
import type { Acceleration, HostProbe } from '../hypervisor.ts';
import { COMMON_ARGS, machineArgs, machineKernelArgs } from './qemu-args.ts';

const KVM = '/dev/kvm';

/** A working KVM boots our kernel in well below half a second; a broken one may hang for ever. */
const PROBE_BOOT_TIMEOUT_MS = 1_500;

/** The kernel's last words without a root disk: it has come up with all CPUs and timers. */
const BOOT_PROOF = 'Unable to mount root fs';

const EMULATION_HINT = 'VMs run, but slower, and emulation is no hardware boundary against the guest.';

/**
 * KVM if it works, else emulation and why. That `/dev/kvm` exists, opens and even makes VMs proves nothing (nested
 * hosts abort or hang later), so our own kernel is booted with a deadline. The answer is remembered for this QEMU,
 * kernel and boot of the host.
 */
export async function probeAcceleration(binary: string, host: HostProbe): Promise<Acceleration> {
  if (!existsSync(KVM)) {
    return {
      kind: 'emulated',
      reason: `there is no ${KVM}`,
      hint: `Enable virtualization (VT-x, AMD-V) or load the kvm module. ${EMULATION_HINT}`,
    };
  }
  if (!mayAccess(KVM, constants.R_OK | constants.W_OK)) {
    return {
      kind: 'emulated',
      reason: `you may not use ${KVM}`,
      hint: `Add yourself to its group: sudo usermod -aG kvm $USER, then log in again. ${EMULATION_HINT}`,
    };
  }
  const key = ['qemu.acceleration', fileIdentity(binary), fileIdentity(host.kernelPath), hostBootId()].join(
    '|',
  );
  let problem = host.fact(key);
  if (problem === undefined) {
    problem = await probeBoot(binary, host);
    host.setFact(key, problem);
  }
  if (problem === '') return { kind: 'hardware' };
  return { kind: 'emulated', reason: `${KVM} is there but does not work: ${problem}`, hint: EMULATION_HINT };
}

/** Boots our kernel with KVM; the problem in a few words, or nothing if it came up. */
async function probeBoot(binary: string, host: HostProbe): Promise<string> {
  const append = [...machineKernelArgs('hardware'), 'quiet', 'panic=-1'].join(' ');
  const machine = [...machineArgs('hardware'), '-smp', '2', '-m', '128M', '-no-reboot', '-serial', 'stdio'];
  using deadline = new Deadline('the probe boot', PROBE_BOOT_TIMEOUT_MS, host.signal);
  try {
    const result = await runHostCommand({
      argv: [binary, ...COMMON_ARGS, ...machine, '-kernel', host.kernelPath, '-append', append],
      signal: deadline.signal,
      enough: (console) => console.includes(BOOT_PROOF),
    });
    return result.stdout.includes(BOOT_PROOF) ? '' : failureOf(result);
  } catch (error) {
    if (isSmolVMError(error, 'TIMEOUT'))
      return `a guest did not boot within ${String(PROBE_BOOT_TIMEOUT_MS)} ms`;
    throw error;
  }
}

function failureOf({ exitCode, endSignal, stderr }: HostCommandResult): string {
  const how = endSignal ?? `exit code ${String(exitCode)}`;
  const said = escapeText(stderr.trim().split('\n').at(-1) ?? '').slice(0, 200);
  return `QEMU ended with ${how}${said === '' ? '' : ` (${said})`}`;
}
