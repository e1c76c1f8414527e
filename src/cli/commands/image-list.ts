import { images, type DamagedImage, type ImageInfo } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { mebibytes } from '../progress-line.ts';
import { safeLine, safeLines } from '../safe-text.ts';
import type { Style } from '../style.ts';
import { renderTable, type Cell } from '../table.ts';

/** `smolvm image list`. */
export async function listImages({ json, style, stderr }: CliContext): Promise<Outcome> {
  const found = await images.list();
  if (!json) for (const image of found) if (image.state === 'damaged') void stderr.write(renderDamage(image));
  return { data: { images: found }, text: renderImages(found, style) };
}

/** Images → table, with a header also for none. */
export function renderImages(found: readonly (ImageInfo | DamagedImage)[], style: Style): string {
  const header = ['NAME', 'KEY', 'STATE', 'DISK', 'SIZE', 'USED BY', 'CREATED'];
  return renderTable([
    header.map((text) => ({ text, paint: style.bold })),
    ...found.flatMap((one) => rows(one, style)),
  ]);
}

/** One row for each name. */
function rows(image: ImageInfo | DamagedImage, style: Style): readonly (readonly Cell[])[] {
  const names = image.names.length === 0 ? ['-'] : image.names;
  const state: Cell = image.state === 'damaged' ? { text: image.state, paint: style.red } : image.state;
  const size = image.state === 'ready' ? `${String(Math.round(image.sizeMib))} MiB` : '-';
  const disk = `${mebibytes(image.diskBytes)} MiB`;
  const users = image.usedBy.length === 0 ? '-' : String(image.usedBy.length);
  const createdAt = image.state === 'ready' ? image.createdAt : '-';
  return names.map((name) => [name, image.key.slice(0, 12), state, disk, size, users, createdAt]);
}

function renderDamage({ names, key, reason }: DamagedImage): string {
  const name = safeLine(names[0] ?? key);
  return `smolvm: the image '${name}' is damaged: ${safeLines(reason)}\nhint: Pull or make it again, or remove it: smolvm image prune\n`;
}

/** `smolvm image inspect`. */
export async function inspectImage(name: string): Promise<Outcome> {
  const found = await images.inspect(name);
  return { data: found, text: renderImage(found) };
}

/** One line for each fact, under the name that it has in the SDK and in JSON. */
export function renderImage(image: ImageInfo | DamagedImage): string {
  const flat = Object.entries(image).flatMap(([name, value]: readonly [string, unknown]) =>
    name === 'source' || name === 'config'
      ? Object.entries(value as object).map(([inner, one]) => [`${name}.${inner}`, one as unknown] as const)
      : [[name, value] as const],
  );
  return renderTable(flat.map(([name, value]) => [name, shown(value)]));
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '-' : value;
  return JSON.stringify(value);
}
