import { escapeText } from '../../base/escape-text.ts';
import { ImageError, isSmolVMError, toSmolVMError, errnoOf, type SmolVMError } from '../../errors.ts';

/** What is wrong with an archive, said where its name is not known; {@link layerFailure} makes an ImageError of it. */
export class LayerProblem extends Error {
  /** The name of the entry as it stands in the archive, one character a byte; null: it is of no entry. */
  readonly entry: string | null;

  constructor(reason: string, entry: string | null = null) {
    super(reason);
    this.entry = entry;
  }
}

const MAX_SHOWN_BYTES = 200;

/** A name of an archive (one character a byte), short and safe to print. */
export function shownName(name: string): string {
  const short = name.length > MAX_SHOWN_BYTES ? `${name.slice(0, MAX_SHOWN_BYTES)}…` : name;
  return `'${escapeText(Buffer.from(short.replace('…', '...'), 'latin1').toString('utf8'))}'`;
}

/** Whatever unpacking a layer failed with, as an error that names the layer and, where it is known, the entry. */
export function layerFailure(error: unknown, layerName: string, entry: string | null): SmolVMError {
  if (isSmolVMError(error)) return error;
  const layer = escapeText(layerName);
  if (errnoOf(error) !== undefined) return toSmolVMError(error, `unpack ${layer}`);
  const reason = error instanceof Error ? error.message : String(error);
  const at = error instanceof LayerProblem ? (error.entry ?? entry) : entry;
  const where = at === null ? '' : `, at ${shownName(at)}`;
  return new ImageError(`${layer} cannot be unpacked${where}: ${escapeText(reason)}`, {
    hint: 'The archive is damaged, or was made to do harm: get it again from where you trust it.',
    details: { layer: layerName, entry: at },
    cause: error,
  });
}
