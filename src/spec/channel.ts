/** How commands reach a guest. */
export const CHANNELS = ['agent', 'ssh'] as const;

/** One of {@link CHANNELS}. */
export type Channel = (typeof CHANNELS)[number];
