/** The programs that can build an image from a Dockerfile, in the order in which they are tried. */
export const ENGINE_NAMES = ['docker', 'podman', 'buildah'] as const;

/** One of {@link ENGINE_NAMES}. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** The name as it is written in a sentence. */
export const ENGINE_TITLES: Readonly<Record<EngineName, string>> = {
  docker: 'Docker',
  podman: 'Podman',
  buildah: 'Buildah',
};
