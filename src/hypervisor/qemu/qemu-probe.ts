import * as v from 'valibot';
import { fileIdentity, findProgram, isProgram } from '../../base/find-program.ts';
import { runHostCommand } from '../../base/subprocess.ts';
import { escapeText } from '../../base/escape-text.ts';
import type { HostProbe, Support } from '../hypervisor.ts';
import { probeAcceleration } from './qemu-acceleration.ts';

const PROGRAM = 'qemu-system-x86_64';
const INSTALL_HINT = 'Install it: sudo apt-get install qemu-system-x86 (Debian, Ubuntu), or set SMOLVM_QEMU.';

/** What `-help`-like answers must name; QEMU builds differ, so the version alone says little. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  '-machine': ['microvm'],
  '-accel': ['tcg'],
  '-device': ['virtio-blk-device', 'virtio-serial-device', 'virtserialport', 'virtio-rng-device'],
};

const featuresSchema = v.object({ version: v.string(), missing: v.array(v.string()) });
type Features = v.InferOutput<typeof featuresSchema>;

/** Can QEMU be used here, and with which accelerator? What was found is remembered for this binary and host boot. */
export async function probeQemu(host: HostProbe): Promise<Support> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const reason = `this backend runs x86-64 guests on x86-64 Linux; this host is ${process.platform} ${process.arch}`;
    return { ok: false, reason, hint: 'Use an x86-64 Linux host.' };
  }
  const binary = host.binary ?? findProgram(PROGRAM);
  if (binary === undefined)
    return { ok: false, reason: `there is no ${PROGRAM} on this system`, hint: INSTALL_HINT };
  if (!isProgram(binary))
    return { ok: false, reason: `${binary} is no program that we may run`, hint: INSTALL_HINT };
  const features = await featuresOf(binary, host);
  if (features.missing.length > 0) {
    const reason = `${binary} (version ${features.version}) lacks: ${features.missing.join(', ')}`;
    return { ok: false, reason, hint: INSTALL_HINT };
  }
  const acceleration = await probeAcceleration(binary, host);
  return { ok: true, binary, version: features.version, acceleration };
}

async function featuresOf(binary: string, host: HostProbe): Promise<Features> {
  const key = `qemu.features:${fileIdentity(binary)}`;
  const known = parseFact(host.fact(key));
  if (known !== undefined) return known;
  const found = await findFeatures(binary, host.signal);
  host.setFact(key, JSON.stringify(found));
  return found;
}

function parseFact(fact: string | undefined): Features | undefined {
  if (fact === undefined) return undefined;
  const parsed = v.safeParse(featuresSchema, JSON.parse(fact));
  return parsed.success ? parsed.output : undefined;
}

async function findFeatures(binary: string, signal: AbortSignal): Promise<Features> {
  const { stdout, stderr, exitCode } = await runHostCommand({ argv: [binary, '--version'], signal });
  const version = /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (exitCode !== 0 || version === undefined) {
    const said = escapeText((stderr || stdout).trim().slice(0, 300));
    return {
      version: 'unknown',
      missing: [`an answer to --version (exit code ${String(exitCode)}: ${said})`],
    };
  }
  const missing: string[] = [];
  for (const [option, names] of Object.entries(NEEDED)) {
    const help = await runHostCommand({ argv: [binary, option, 'help'], signal });
    const words = new Set(help.stdout.split(/[\s",]+/));
    missing.push(...names.filter((name) => !words.has(name)).map((name) => `${option} ${name}`));
  }
  return { version, missing };
}
