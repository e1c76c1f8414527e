import { escapeText } from '../../base/escape-text.ts';
import { ImageError, ValidationError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';
import type { Descriptor, IndexPlatform } from './documents.ts';

/** For which machines an image can be asked. */
export type ImagePlatform = 'linux/amd64' | 'linux/arm64';

/**
 * Variants that every machine of the architecture runs, the better first; `''` is "the index says none". An amd64/v3
 * or arm64/v9 may need instructions that the guest's CPU lacks.
 */
const VARIANTS: Readonly<Record<ImagePlatform, readonly string[]>> = {
  'linux/amd64': ['', 'v1'],
  'linux/arm64': ['v8', ''],
};

/** How many platforms a message names. */
const MAX_OFFERS = 16;

/** A platform from a caller without types. @throws {@link ValidationError} */
export function parsePlatform(value: unknown): ImagePlatform {
  if (value === 'linux/amd64' || value === 'linux/arm64') return value;
  throw new ValidationError('platform', [`expected linux/amd64 or linux/arm64, received ${shown(value)}`]);
}

/**
 * The entry of an index that fits the platform best. An entry without platform (as single images in a layout have) is
 * taken if nothing else fits: its configuration says later what it is.
 *
 * @throws {@link ImageError} that names what the index offers
 */
export function choosePlatform(
  entries: readonly Descriptor[],
  platform: ImagePlatform,
  what: string,
): Descriptor {
  const wanted = VARIANTS[platform];
  const rated = entries
    .map((entry) => ({ entry, rank: wanted.indexOf(variantOf(entry.platform, platform) ?? '?') }))
    .filter(({ rank }) => rank !== -1)
    .sort((one, other) => one.rank - other.rank);
  const chosen = rated[0]?.entry ?? entries.find((entry) => entry.platform === null);
  if (chosen !== undefined) return chosen;
  const offers = entries.flatMap(({ platform: offered }) => (offered === null ? [] : platformName(offered)));
  throw noSuchPlatform(what, platform, offers);
}

/** Refuses an image whose configuration names another platform than was asked for. */
export function requirePlatform(found: IndexPlatform, platform: ImagePlatform, what: string): void {
  const variant = variantOf(found, platform);
  if (variant === undefined || !VARIANTS[platform].includes(variant))
    throw noSuchPlatform(what, platform, [platformName(found)]);
}

/** The variant, if operating system and architecture fit. */
function variantOf(found: IndexPlatform | null, platform: ImagePlatform): string | undefined {
  return found !== null && `${found.os}/${found.architecture}` === platform ? found.variant : undefined;
}

function platformName({ os, architecture, variant }: IndexPlatform): string {
  return escapeText(`${os}/${architecture}${variant === '' ? '' : `/${variant}`}`);
}

function noSuchPlatform(what: string, platform: ImagePlatform, found: readonly string[]): ImageError {
  // Attestations stand in an index as "unknown/unknown".
  const offers = [...new Set(found)].filter((name) => name !== 'unknown/unknown');
  const list = offers.length > MAX_OFFERS ? [...offers.slice(0, MAX_OFFERS), '…'] : offers;
  const offered = list.length === 0 ? 'it offers nothing' : `it offers ${list.join(', ')}`;
  return new ImageError(`${what} has nothing for ${platform}: ${offered}`, {
    hint: 'Choose a tag that was built for this machine.',
    details: { platform, offers: list },
  });
}
