import { isUtf8 } from 'node:buffer';
import type { Failure } from './failure.ts';

/** The one line of `--json` when a command has done its work. */
export function successLine(command: string, data: object): string {
  return jsonLine({ ok: true, command, data });
}

/** The one line of `--json` when it has not. `command` is null if none was recognized. */
export function failureLine(command: string | null, failure: Failure): string {
  const { code, message, hint, details } = failure;
  return jsonLine({ ok: false, command, error: { code, message, hint, details } });
}

// Control and format characters (C1, bidi, …) that JSON lets through and a terminal might act on.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line that is also safe on a terminal; the values stay what they are. */
function jsonLine(value: object): string {
  return `${JSON.stringify(value).replace(INVISIBLE, escapeUnits)}\n`;
}

function escapeUnits(char: string): string {
  const units = Array.from({ length: char.length }, (_, index) => char.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** Bytes for an envelope: `{[name]: text}`, and `{[name]Base64}` besides if they are not UTF-8. */
export function bytesAsJson(name: string, bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = { [name]: buffer.toString('utf8') };
  return isUtf8(buffer) ? text : { ...text, [`${name}Base64`]: buffer.toString('base64') };
}
