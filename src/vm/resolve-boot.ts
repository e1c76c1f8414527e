import { resolve } from 'node:path';
import type { BackendName } from '../spec/backend-names.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import type { CommandDefaults, ResolvedVm } from '../spec/vm-record.ts';
import type { VmSpec } from '../spec/vm-spec.ts';

/** On what a boot is resolved. */
export interface BootGround {
  readonly backend: BackendName;
  /** Of smolvm, with its agent. */
  readonly initrdPath: string;
  readonly verboseBoot: boolean;
}

/** What a VM's image says of its boot and its processes, rendered for a backend. Pure. */
export function resolveBoot(
  { image }: VmSpec,
  { backend, initrdPath, verboseBoot }: BootGround,
): Pick<ResolvedVm, 'boot' | 'initrdPath' | 'defaults' | 'sshCapable'> {
  const common = { defaults: defaultsOf(image?.config ?? null), sshCapable: image?.sshCapable ?? false };
  if (image === null || image.bootMode === 'agent') return { ...common, boot: { kind: 'agent' }, initrdPath };
  const commandLine = image.renderBootArgs({ backend, verboseBoot });
  const ownInitrd = image.initrdPath === null ? null : resolve(image.initrdPath);
  return { ...common, boot: { kind: 'direct', commandLine }, initrdPath: ownInitrd };
}

function defaultsOf(config: ImageConfig | null): CommandDefaults | null {
  if (config === null) return null;
  const { env, workdir, user } = config;
  return { env, workdir, user };
}
