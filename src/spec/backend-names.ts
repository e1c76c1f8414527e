/** The backends that a VM may ask for by name. Which of them are there, the registry says. */
export const BACKEND_NAMES = ['firecracker', 'qemu'] as const;

/** One of {@link BACKEND_NAMES}. */
export type BackendName = (typeof BACKEND_NAMES)[number];

/** What may be asked for: one of them, or the first that works here. */
export const BACKEND_CHOICES = ['auto', ...BACKEND_NAMES] as const;

/** One of {@link BACKEND_CHOICES}. */
export type BackendChoice = (typeof BACKEND_CHOICES)[number];
