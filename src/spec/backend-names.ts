import type { GuestArch } from './guest-arch.ts';

/** The backends that a VM may ask for by name. Which of them are there, the registry says. */
export const BACKEND_NAMES = ['firecracker', 'qemu'] as const;

/** One of {@link BACKEND_NAMES}. */
export type BackendName = (typeof BACKEND_NAMES)[number];

/** What a direct boot says for a backend: its serial console by architecture, and words that it always has. */
export const BOOT_WORDS: Readonly<
  Record<
    BackendName,
    { readonly serial: Readonly<Record<GuestArch, string>>; readonly always: readonly string[] }
  >
> = {
  firecracker: { serial: { amd64: 'ttyS0', arm64: 'ttyS0' }, always: ['pci=off'] },
  qemu: { serial: { amd64: 'ttyS0', arm64: 'ttyAMA0' }, always: [] },
};

/** For which a boot is rendered where nobody says. */
export const USUAL_BACKEND: BackendName = 'qemu';

/** What may be asked for: one of them, or the first that works here. */
export const BACKEND_CHOICES = ['auto', ...BACKEND_NAMES] as const;

/** One of {@link BACKEND_CHOICES}. */
export type BackendChoice = (typeof BACKEND_CHOICES)[number];
