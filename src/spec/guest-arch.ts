/** CPU architectures of guests, by the name that Docker uses. */
export type GuestArch = 'amd64' | 'arm64';

const CANONICAL: Readonly<Record<string, GuestArch>> = {
  amd64: 'amd64',
  x86_64: 'amd64',
  x64: 'amd64',
  arm64: 'arm64',
  aarch64: 'arm64',
};

/** The names that may be given. `host` is the architecture of this machine. */
export const ARCH_NAMES = ['host', 'amd64', 'arm64', 'x86_64', 'aarch64'] as const;

/** One of {@link ARCH_NAMES}. */
export type ArchName = (typeof ARCH_NAMES)[number];

/** The architecture of this machine, or undefined for one that has no guests. */
export function hostArch(): GuestArch | undefined {
  return CANONICAL[process.arch];
}

/** A given name → architecture; undefined: `host` on a machine that has no guests. */
export function guestArch(name: ArchName): GuestArch | undefined {
  return name === 'host' ? hostArch() : CANONICAL[name];
}
