import * as v from 'valibot';
import { ValidationError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';

/** The names by which a guest's architecture may be asked for. */
export const ARCH_CHOICES = ['host', 'amd64', 'arm64', 'x86_64', 'aarch64'] as const;

/** One of {@link ARCH_CHOICES}. */
export type ArchChoice = (typeof ARCH_CHOICES)[number];

/** An architecture as container engines call it. */
export type ImageArch = 'amd64' | 'arm64';

const NAMES: Readonly<Record<string, ImageArch>> = {
  amd64: 'amd64',
  x86_64: 'amd64',
  x64: 'amd64',
  arm64: 'arm64',
  aarch64: 'arm64',
};

/** Any of the names → the engines' name. Pure. */
export function imageArch(choice: unknown, hostArch: string): ImageArch {
  const isKnown = v.is(v.picklist(ARCH_CHOICES), choice);
  const arch = isKnown ? NAMES[choice === 'host' ? hostArch : choice] : undefined;
  if (arch !== undefined) return arch;
  throw new ValidationError('arch', [
    isKnown ? `there are no guests for this host's ${hostArch}` : `expected one of ${ARCH_CHOICES.join(', ')}, received ${shown(choice)}`,
  ]);
}
